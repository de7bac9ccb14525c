// Options of several commands. --format: a table, JSON, or a Go template over the very rows that
// JSON shows.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "cmd/command.h"
#include "cmd/table.h"

namespace kpod::cmd {

// Adds --format.
void FormatOption(po::options_description_easy_init& add);

// Adds --since: a duration as 10m, or a time (RFC 3339). Nanoseconds since the epoch; 0: not given.
void SinceOption(po::options_description_easy_init& add);
Result<int64_t> SinceOf(const Invocation& in);

// The rows, a line each. "": the table; "json": all of them; "table {{.A}}\t{{.B}}": columns under
// a header; else a template, where \t and \n may be written so.
Result<std::string> FormatRows(const std::string& format, const Table& table, const Json& rows);

// On standard output; made fit for a terminal when it is one. A script gets every byte.
void Print(std::string_view text);

// One object. "": `text`.
Result<std::string> FormatObject(const std::string& format, const std::string& text,
                                 const Json& object);

}  // namespace kpod::cmd
