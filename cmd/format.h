// --format: a table, JSON, or a Go template over the very rows that JSON shows.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "cmd/command.h"
#include "cmd/table.h"

namespace kpod::cmd {

// Adds --format.
void FormatOption(po::options_description_easy_init& add);

// The rows, a line each. "": the table; "json": all of them; "table {{.A}}\t{{.B}}": columns under
// a header; else a template, where \t and \n may be written so.
Result<std::string> FormatRows(const std::string& format, const Table& table, const Json& rows);

// One object. "": `text`.
Result<std::string> FormatObject(const std::string& format, const std::string& text,
                                 const Json& object);

}  // namespace kpod::cmd
