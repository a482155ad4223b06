"""`voicebill prices --against`: the price book beside saved price tables, with rows to review."""

from pathlib import Path

from tests.cli.invoke import answer, refusal, run
from tests.price_tables import azure_item, azure_page, litellm_entry, save

ON_DAY = ("--day", "2026-11-22")


def test_tables_are_compared_one_after_the_other(tmp_path: Path) -> None:
    azure_file = save(tmp_path, azure_page(azure_item("gpt-latest 05052026 inp Gl 1M Tokens", 28)), name="azure.json")
    entries = {"gpt-4o-transcribe": litellm_entry(input_cost_per_audio_token=2.5e-06), **dict.fromkeys("abcdefg", 5)}
    litellm_file = save(tmp_path, entries, name="litellm.json")
    words = ("prices", "--against", str(azure_file), "--against", str(litellm_file), *ON_DAY)
    printed = " ".join(run(*words).stdout.split())
    assert "The price book on 2026-11-22 and Azure's retail prices azure.json agree 0, differ 1, new 0, gone" in printed
    assert "audio in $32.00/M 2026-05-01 $28.00/M 2026-05-01 0.875 price-differs" in printed
    assert "openai/gpt-4o-transcribe: audio in as another source has it" in printed
    assert "cannot be read: a: no object with litellm_provider;" in printed
    assert "; and 2 more" in printed
    assert [table["table"] for table in answer(*words)["tables"]] == ["azure-retail", "litellm"]
    alone = answer(*words, "--provider", "openai")["tables"]
    assert [len(table["differs"]) for table in alone] == [0, 0]


def test_the_rows_to_review_are_written_and_change_an_estimate(tmp_path: Path) -> None:
    file = save(tmp_path, azure_page(azure_item("gpt-latest 05052026 opt Gl 1M Tokens", 640)))
    rows = tmp_path / "rows.toml"
    assert run("prices", "--against", str(file), "--out", str(rows), *ON_DAY).exit_code == 0
    assert answer("prices", "--check", str(rows))["contracted"] == 1
    call = ("estimate", "--minutes", "6", "--turns", "20", "--provider", "azure", "--model", "gpt-realtime-2", *ON_DAY)
    ours, theirs = answer(*call), answer(*call, "--prices", str(rows))
    assert ours["prices"]["digest"] != theirs["prices"]["digest"]
    assert any("table.json" in text for text in theirs["assumptions"])


def test_what_does_not_go_with_a_comparison_is_refused(tmp_path: Path) -> None:
    file = str(save(tmp_path, azure_page(azure_item("x", 1))))
    assert "takes no model" in refusal("prices", "gpt-realtime", "--against", file)
    assert "takes no kind and no ended" in refusal("prices", "--kind", "live", "--ended", "--against", file)
    assert "--out writes .toml here, not rows.csv" in refusal("prices", "--against", file, "--out", "rows.csv")
    assert "give --against, too" in refusal("prices", "--out", "rows.toml")
    assert "is no price table: read are saved pages" in refusal("prices", "--against", str(save(tmp_path, {}, name="o.json")))
