"""How figures become rows, rows a file and a page. Nothing here measures."""

from bench import page
from bench.__main__ import benchmarks, merge, table
from bench.rows import row, skipped


def test_a_row_is_the_median_of_the_runs_with_half_their_range_as_spread() -> None:
    figure = row("wait", [4.0, 1.0, 2.0], "ms")
    assert (figure["median"], figure["spread"], figure["holds"]) == (2.0, 1.5, None)


def test_a_bar_is_put_on_the_ratio_where_there_is_one_and_else_on_the_median() -> None:
    assert row("wait", [11.0], "ms", at_most=10)["holds"] is False
    assert row("wait", [11.0], "ms", ratio=0.5, at_most=10)["holds"] is True
    assert row("rate", [11.0], "1/s", at_least=11)["holds"] is True


def test_new_figures_replace_those_of_the_same_name_and_keep_the_others() -> None:
    old = [row("b", [1.0], "ms"), row("a", [1.0], "ms")]
    merged = merge(old, [row("b", [2.0], "ms")])
    assert [(figure["name"], figure["median"]) for figure in merged] == [("a", 1.0), ("b", 2.0)]


def test_every_benchmark_is_found_and_nothing_else_is() -> None:
    assert benchmarks() == [
        "apply_to_price", "bets", "book_throughput", "end_to_end", "gateway_fanout", "growth", "operator_scale", "peers",
        "recording", "suspension",
    ]  # fmt: skip


def test_the_printed_table_has_a_line_for_each_figure() -> None:
    assert table([row("a", [1.0], "ms", at_most=2), skipped("b", "no Go")]).row_count == 2


def test_the_page_gets_the_new_table_and_keeps_the_text_around_it() -> None:
    before = f"# Title\n{page.BEGIN}\nearlier\n{page.END}\nafter\n"
    after = page.with_table(before, [row("p99", [9.0], "ms", at_most=10), skipped("peer", "no Go")])
    assert after.startswith("# Title\n")
    assert after.endswith("after\n")
    assert "earlier" not in after
    assert "| p99 | 9.000 | 0.000 | ms |  |  | <= 10 | holds |" in after
    assert "| peer |  |  | skipped |  | no Go |  |  |" in after


def test_the_page_of_the_results_has_its_marks() -> None:
    assert "no results" not in page.with_table(page.PAGE.read_text(), [])
