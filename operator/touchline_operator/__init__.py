"""Touchline control plane: reconciles custom resources into running components."""
