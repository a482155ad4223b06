"""Read vendors' bills, and vendors' own counts of usage, as charges.

One module per format; `read_bills` recognises the format of each file. Every format is read from CSV (also with other
delimiters, below title lines, and with a byte order mark), JSON (pages, lines, arrays) and Parquet, plain or compressed.

| format | files | a charge is | module |
|---|---|---|---|
| `azure-costs` | Azure's cost and usage details of every agreement, actual and amortized | a row | `azure_costs` |
| `focus` | FOCUS 1.0 to 1.3, and Microsoft's 1.0r2 and 1.2-preview | a row | `focus` |
| `openai-costs` | OpenAI's costs API, and the dashboard's cost export | a result: a day and its group | `openai_costs` |
| `openai-usage` | OpenAI's usage API, and the dashboard's usage exports | a meter of a result | `openai_buckets` |

Each module has the table of the columns that it reads, and its sources. The preferred column is first; capitals and separators
in names do not matter.
"""
