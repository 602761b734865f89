"""What several tests share: servers on free ports, recordings, builders. No assertions live here."""
