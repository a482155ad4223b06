"""Tables: meters or reported counts in named columns, as CSV and Parquet."""

import gzip
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.logs.reading import error_texts, read_record, read_records, usage_of
from voicebill.billing.errors import InvalidInput
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.formats.columns import ROWS_OF_OTHER_RUNS
from voicebill.logs.read import read_log
from voicebill.logs.report import InvalidLog, ReadReport
from voicebill.logs.sources import Source


def parquet(**columns: list[object]) -> bytes:
    buffer = BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_meters_are_taken_as_they_stand() -> None:
    """55 fresh and 64 cached text tokens stay apart, and nothing is subtracted."""
    record = read_record("model,text_in,text_in_cached,audio_in,audio_out\ngpt-realtime,55,64,13,91\n")
    assert usage_of(record) == {"text_in": 55, "text_in_cached": 64, "audio_in": 13, "audio_out": 91}
    assert (record.model, record.status, record.kind, record.line_number) == ("gpt-realtime", "exact", "response", 2)


def test_reported_counts_hold_the_cached_part_in_the_input() -> None:
    """132 in, 64 of them cached text: 119 − 64 = 55 fresh text."""
    record = read_record(
        "model,input_tokens,output_tokens,total_tokens,input_text_tokens,input_audio_tokens,cached_tokens,cached_text_tokens,"
        "output_text_tokens,output_audio_tokens\ngpt-realtime,132,121,253,119,13,64,64,30,91\n"
    )
    assert usage_of(record) == {"text_in": 55, "text_in_cached": 64, "audio_in": 13, "text_out": 30, "audio_out": 91}


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_columns_may_be_separated_by_what_spreadsheets_write(delimiter: str) -> None:
    """The separator is the one that gives known columns; their names may be written with spaces and capitals."""
    header = delimiter.join(["Model", "Input Text Tokens", "Response-ID", "anything"])
    record = read_record(f"{header}\n{delimiter.join(['gpt-realtime', '7', 'resp_1', 'x'])}\n")
    assert usage_of(record) == {"text_in": 7}
    assert record.key == "resp_1"


def test_everything_that_a_row_can_say_is_read() -> None:
    """Session, turn, tenant, time, outcome, provider, deployment, region and tier come from their columns."""
    record = read_record(
        "id,status,model,provider,deployment,region,tier,session_id,turn,customer,timestamp,text_in\n"
        "resp_9,cancelled,gpt-realtime,azure,data-zone,swedencentral,standard,s1,3,acme,2026-03-01T23:30:00-02:00,5\n"
    )
    assert record.key == "resp_9"
    assert (record.provider, record.deployment, record.region, record.tier) == (
        "azure",
        "data-zone",
        "swedencentral",
        "standard",
    )
    assert (record.session, record.turn, record.tenant, record.outcome) == ("s1", 3, "acme", "cancelled")
    assert (record.time, record.day) == (datetime(2026, 3, 2, 1, 30, tzinfo=UTC), date(2026, 3, 2))


def test_what_a_row_does_not_say_is_what_was_told() -> None:
    """An empty field was not told: then the model, provider, tenant and day are those of the question."""
    defaults = LogDefaults(model="gpt-realtime", provider="openai", tenant="acme", day=date(2026, 5, 1))
    record = read_record("model,provider,text_in\n,,5\n", defaults=defaults)
    assert (record.model, record.provider, record.tenant, record.day) == ("gpt-realtime", "openai", "acme", date(2026, 5, 1))


def test_a_transcription_is_priced_by_its_own_model() -> None:
    """1.5 s heard by whisper-1 are 1,500 ms; 17 audio tokens in and 9 out of another are audio in and text out."""
    records, report = read_records(
        "kind,model,transcription_model,seconds,input_tokens,input_audio_tokens,output_tokens\n"
        "transcription,gpt-realtime,whisper-1,1.5,,,\n,,gpt-4o-transcribe,,17,17,9\n"
    )
    assert report.errors == []
    assert [(record.kind, record.model, usage_of(record)) for record in records] == [
        ("transcription", "whisper-1", {"audio_ms": 1500}),
        ("transcription", "gpt-4o-transcribe", {"audio_in": 17, "text_out": 9}),
    ]


def test_the_long_form_gives_a_record_for_each_meter() -> None:
    """Two rows of one response, two meters: two records, neither of which replaces the other."""
    records, _ = read_records("id,model,meter,quantity\nresp_1,gpt-realtime,text_in,5\nresp_1,gpt-realtime,audio_out,9\n")
    assert {record.key: usage_of(record) for record in records} == {
        "resp_1:text_in": {"text_in": 5},
        "resp_1:audio_out": {"audio_out": 9},
    }


@pytest.mark.parametrize(
    ("meter", "because"),
    [("text_inn", "there is no meter of this name; did you mean text_in?"), ("?", "there is no meter of this name")],
)
def test_the_long_form_names_its_meters(meter: str, because: str) -> None:
    """A meter that does not exist is a broken row, with the nearest one where there is any."""
    _, report = read_records(f"model,meter,quantity\nm,{meter},5\nm,text_in,\n")
    assert error_texts(report) == [f"a log, line 2: {because}", "a log, line 3: text_in has no quantity"]


def test_a_row_without_counts_has_no_usage() -> None:
    """An empty row is not one that used nothing."""
    assert read_record("model,text_in,input_tokens\ngpt-realtime,,\n").status == "missing"
    assert read_record("model,text_in,input_tokens\ngpt-realtime,0,\n").status == "exact"


@pytest.mark.parametrize(
    ("row", "because"),
    [
        ('"1,234",,,,,', "input_tokens is not a number of digits with an optional decimal point"),
        ("12.5,,,,,", "input_tokens is not a whole number"),
        ("-3,,,,,", "input_tokens cannot be negative"),
        ("1e3,,,,,", "input_tokens is not a number"),
        ("9999999999999,,,,,", "input_tokens is more than 1,000,000,000,000"),
        ("5,7,,,,", "both a charged quantity (text_in) and a reported count (input)"),
        ("5,,soon,,,", "time is not a time"),
        ("5,,,banana,,", "kind is not one of response, out-of-band, transcription, session"),
        ("5,,,,yesterday,", "day is not a day"),
        (",,,,,4", "seconds belong to a transcription or to a session"),
        ("5,,,,", "5 fields, but the header has 6"),
    ],
)
def test_a_row_that_cannot_be_meant_is_reported_and_the_next_is_read(row: str, because: str) -> None:
    """Its line, and why; the row after it counts."""
    records, report = read_records(f"input_tokens,text_in,time,kind,day,seconds\n{row}\n,3,,,,\n")
    (fault,) = error_texts(report)
    assert fault.startswith("a log, line 2: ")
    assert because in fault
    assert [usage_of(record) for record in records] == [{"text_in": 3}]


def test_a_whole_number_with_a_point_is_whole() -> None:
    """12.0 is what tables write where a column has empty fields too."""
    assert usage_of(read_record("model,text_in\nm,12.0\n")) == {"text_in": 12}


def test_a_misspelt_column_is_said_once() -> None:
    """input_audio_token would lose all audio, so it is named; a column of someone's own is not."""
    records, report = read_records("model,input_tokens,input_audio_token,mood\nm,5,5,fine\nm,6,5,fine\n")
    assert error_texts(report) == [
        "a log, line 1: the column 'input_audio_token' is unknown and ignored: did you mean input_audio_tokens?"
    ]
    assert len(records) == 2


def test_an_unrelated_column_is_no_misspelling() -> None:
    """Numbers of tokens that are not read are said; what is empty, zero, a limit or a cost of their own is not."""
    header = "model,input_tokens,cache_creation_input_tokens,remaining_tokens,cost_usd,output_image_tokens,tennant"
    source = Source("rows.csv", content=BytesIO(f"{header}\nm,5,3,900,1.5,0,acme\nm,6,0.0,900,1.5,0,\n".encode()))
    report = ReadReport(strict=True)
    assert len(list(read_log(source, report=report))) == 2
    assert report.remarks == {
        "the column 'cache_creation_input_tokens' is not read": 1,
        "the column 'tennant' is not read (did you mean tenant?)": 1,
    }


@pytest.mark.parametrize("name", ["inptu_audio_tokens", "inputaudiotokens", "input_audio_tokns", "Input Audio Token"])
def test_a_misspelt_count_is_refused_if_strict(name: str) -> None:
    """Its tokens would be lost."""
    with pytest.raises(InvalidLog, match="did you mean input_audio_tokens"):
        list(
            read_log(
                Source("x.csv", content=BytesIO(f"model,input_tokens,{name}\nm,5,5\n".encode())), report=ReadReport(strict=True)
            )
        )


def test_parquet_says_what_it_does_not_read() -> None:
    """As in CSV, and every value stays in its own column."""
    content = parquet(thought_tokens=[7, 0], model=["m", "m"], mood=["x", "y"], text_in=[5, 6])
    records, report = read_records(content)
    assert [usage_of(record) for record in records] == [{"text_in": 5}, {"text_in": 6}]
    assert report.remarks == {"the column 'thought_tokens' is not read": 1}


def test_a_report_of_a_proxy_is_read_by_its_teams() -> None:
    """The columns of LiteLLM's daily spend: 64 of 100 tokens cached, of a team."""
    record = read_record(
        "Date,Team,Model,custom_llm_provider,Spend ($),Prompt Tokens,Completion Tokens,Cache Read Input Tokens\n"
        "2026-09-02,voice,gpt-4.1,azure,0.5,100,9,64\n"
    )
    assert (record.tenant, record.provider, record.day) == ("voice", "azure", date(2026, 9, 2))
    assert {usage["text_in_cached"] + usage["audio_in_cached"] for usage in record.usage_candidates} == {64}


@pytest.mark.parametrize(
    ("name", "deployment"),
    [
        ("Global Standard", "global"),
        ("DataZoneStandard", "data-zone"),
        ("standard", "regional"),
        ("my-voice", "my-voice"),
        ("", None),
    ],
)
def test_a_deployment_is_named_as_azure_names_it(name: str, deployment: str | None) -> None:
    """The SKUs of deployments; another name stays, and the answer says that it is none."""
    assert read_record(f"model,deployment,text_in\ngpt-realtime,{name},5\n").deployment == deployment


def test_a_region_is_one_of_azure() -> None:
    """Its display name has spaces; the region of an OpenAI row is where the logger ran. Without a provider it stays."""
    records, _ = read_records("provider,model,region,text_in\nazure,m,North Europe,5\nopenai,m,us-east-1,6\n,m,x,7\n")
    assert [record.region for record in records] == ["northeurope", None, "x"]


def test_a_start_time_that_is_none_is_no_error() -> None:
    """start_time is a time if it is one."""
    records, report = read_records("model,start_time,text_in\nm,2026-03-01T12:00:00Z,5\nm,12:03,6\n")
    assert report.errors == []
    assert [record.day for record in records] == [date(2026, 3, 1), None]


def test_a_column_twice_is_refused() -> None:
    """Nobody can say which of the two is meant."""
    records, report = read_records("model,text_in,text_in\nm,5,6\n")
    assert records == []
    assert error_texts(report) == ["a log, line 1: the column text_in occurs twice"]


def test_a_quote_that_is_not_closed_costs_one_report() -> None:
    """The rest of the file belongs to the open quote; what came before it is read."""
    records, report = read_records('model,text_in\nm,5\n"m,6\nm,7\n')
    assert [usage_of(record) for record in records] == [{"text_in": 5}]
    assert error_texts(report) == ["a log, line 3: not a CSV row: a quote is opened in it and not closed"]


def test_rows_keep_their_line_where_a_field_goes_over_several() -> None:
    """A note of three lines: the row after it begins on line 5."""
    records, _ = read_records('model,text_in,note\nm,5,"one\n\ntwo"\nm,6,\n')
    assert [record.line_number for record in records] == [2, 5]


def test_a_table_told_twice_counts_once() -> None:
    """Rows with an identifier are known by it; rows without one by their place and content."""
    rows = "model,text_in,id\nm,5,a\nm,5,\nm,5,\n"
    report = ReadReport()
    sources = [Source("rows.csv", content=BytesIO(rows.encode())), Source("rows.csv", content=BytesIO(rows.encode()))]
    records = list(read_log(*sources, report=report))
    assert len(records) == 3
    assert report.repeated == 3


def test_text_that_is_not_utf_8_is_reported() -> None:
    """A tenant in another encoding cannot be told apart from others: its row is left out."""
    records, report = read_records(b"model,tenant,text_in\nm,M\xfcller,5\nm,acme,6\n")
    assert [usage_of(record) for record in records] == [{"text_in": 6}]
    assert error_texts(report) == [
        "a log, line 2: not UTF-8 (byte 0xFC at character 4): convert the file, for example with iconv -f latin1 -t utf-8"
    ]


def test_parquet_gives_what_csv_gives() -> None:
    """The same rows, with numbers, days and times as such; empty numbers that became NaN are empty."""
    content = parquet(
        response_id=["resp_1", "resp_2"],
        model=["gpt-realtime", "gpt-realtime"],
        time=[datetime(2026, 3, 1, 12, tzinfo=UTC), None],
        day=[None, date(2026, 3, 2)],
        audio_in=[40.0, float("nan")],
        text_in=[None, 7],
        transcript=["never read", "never kept"],
    )
    records, report = read_records(content)
    assert report.sources == {"a log": "columns"}
    assert [(record.key, usage_of(record), record.day, record.line_number) for record in records] == [
        ("resp_1", {"audio_in": 40}, date(2026, 3, 1), 1),
        ("resp_2", {"text_in": 7}, date(2026, 3, 2), 2),
    ]
    assert report.lines == 2


def test_parquet_with_values_that_cannot_be_meant() -> None:
    """12.5 tokens, a negative count, and text in a list: each row is reported with its number."""
    content = parquet(model=[["m"], ["m"], ["m"]], text_in=[1, 2, 3])
    records, report = read_records(content)
    assert records == []
    assert error_texts(report)[2] == "a log, line 3: model is neither text nor a whole number"
    _, report = read_records(parquet(model=["m", "m"], text_in=[12.5, -1.0]))
    assert error_texts(report) == ["a log, line 1: text_in is not a whole number", "a log, line 2: text_in cannot be negative"]


def test_a_day_beyond_all_calendars_costs_its_row() -> None:
    """Arrow can hold the year 4,000,000, and Python cannot: the rows beside it are read."""
    days = pa.array([20_000, 1_577_078_818, 20_001], pa.int32()).cast(pa.date32())
    buffer = BytesIO()
    pq.write_table(pa.table({"day": days, "text_in": [1, 2, 3]}), buffer)
    records, report = read_records(buffer.getvalue())
    assert [usage_of(record) for record in records] == [{"text_in": 1}, {"text_in": 3}]
    assert error_texts(report) == ["a log, line 2: a value in it is out of range"]


def test_strict_names_what_is_wrong_with_a_parquet_file() -> None:
    """The first fault, in its own words."""
    source = Source("x.parquet", content=BytesIO(parquet(name=["a"])))
    with pytest.raises(InvalidLog, match="none of its columns"):
        list(read_log(source, report=ReadReport(strict=True)))


def test_parquet_without_columns_that_count() -> None:
    """Nothing to read is said, not passed over."""
    records, report = read_records(parquet(name=["a"]))
    assert records == []
    assert error_texts(report) == ["a log: none of its columns has a known quantity"]


@pytest.mark.parametrize("keep", [100, 300])
def test_parquet_that_is_cut_off_is_reported(keep: int) -> None:
    """A file that was not written to its end cannot be read, and does not stop the run."""
    records, report = read_records(parquet(model=["m"], text_in=[1])[:keep])
    assert records == []
    assert "cannot be read beyond row 0" in error_texts(report)[0]


def test_parquet_from_a_file_plain_and_compressed(tmp_path: Path) -> None:
    """Also behind gzip, where it cannot be read from its end without being held."""
    content = parquet(model=["m"], text_in=[4])
    plain, packed = tmp_path / "a.parquet", tmp_path / "b.parquet.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    assert [usage_of(record) for record in read_log(plain, packed)] == [{"text_in": 4}, {"text_in": 4}]


def test_parquet_read_as_lines_is_refused() -> None:
    """No format of lines can be recognised in it."""
    _, report = read_records(parquet(model=["m"], text_in=[1]), log_format="realtime")
    assert "a Parquet file has no lines" in error_texts(report)[0]


def test_strict_stops_at_the_first_broken_row() -> None:
    """The text names the file, the line and why."""
    source = Source("x.csv", content=BytesIO(b"model,text_in\nm,-5\n"))
    with pytest.raises(InvalidLog, match=r"x\.csv, line 2: text_in cannot be negative"):
        list(read_log(source, report=ReadReport(strict=True)))


@pytest.mark.parametrize("header", ["name,place\na,b\n", "model\nm\n", "model,provider\nm,openai\n", "hello world\n"])
def test_a_table_that_counts_nothing_is_not_recognised(header: str) -> None:
    """Columns that only name things are no usage log."""
    with pytest.raises(InvalidInput, match="not in a known format"):
        read_records(header)


def test_the_named_dialect_says_what_it_misses() -> None:
    """Named, and without any known header: one report."""
    records, report = read_records("name,place\na,b\n", log_format="columns")
    assert records == []
    assert error_texts(report) == ["a log, line 1: not a header of known columns with a quantity among them"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("day,model,input_tokens\n2026-11-22,m,1.000\n", "input_tokens is ambiguous: write it with digits only"),
        ("day,model,text_in\n2026-11-22,m,128.512\n", "text_in is ambiguous: write it with digits only"),
        ("day,model,text_in\n1999-12-31,m,5\n", "day is not a day from 2000 to 2200"),
        ("day,model,text_in\n2201-01-01,m,5\n", "day is not a day from 2000 to 2200"),
    ],
)
def test_what_cannot_be_meant_or_may_mean_two_things_is_broken(text: str, fault: str) -> None:
    """A point before three digits may part thousands."""
    records, report = read_records(text)
    assert (records, len(error_texts(report))) == ([], 1)
    assert error_texts(report)[0].endswith(fault)


def test_rows_that_sum_the_calls_of_a_trace_are_not_counted_beside_them() -> None:
    """Tables from LangSmith's runs have a row for the chain around the calls: 1132 = 1000 + 132 in, 171 = 50 + 121 out."""
    header = "id,run_type,prompt_tokens,completion_tokens,total_tokens"
    chain, calls = "r0,chain,1132,171,1303", ("r1,llm,1000,50,1050", "r2,llm,132,121,253")
    records, report = read_records("\n".join((header, chain, *calls)))
    assert [record.key for record in records] == ["r1", "r2"]
    assert report.skipped[ROWS_OF_OTHER_RUNS] == 1
    assert report.unread_usage is None


def test_sums_of_calls_that_a_table_lacks_are_usage_that_is_not_read() -> None:
    records, report = read_records("id,span_kind,input_tokens,output_tokens\ns1,workflow,1132,171")
    assert records == []
    assert report.unread_usage is not None
    assert report.unread_usage.counts == {"input_tokens": 1132, "output_tokens": 171}


def test_spans_of_any_other_kind_are_rows_like_others() -> None:
    records, _ = read_records("id,span_kind,input_tokens,output_tokens\ns1,CLIENT,10,2")
    assert len(records) == 1
