// Columns that align. A row may be short; the last column is never padded. Cells are made fit for a
// terminal (base/terminal.h): what they say may be a stranger's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kpod::cmd {

class Table {
 public:
  // Without a header: {}.
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void Add(std::vector<std::string> row);
  // The column that gives way when the table is wider than the terminal on standard output.
  void Shrink(size_t column) { shrinks_ = static_cast<int>(column); }
  std::string Text() const;
  // The same for a terminal of so many columns; 0: as wide as it is.
  std::string Text(size_t columns) const;
  // For a list that goes on: the rows that were added since the last call, in columns at least as
  // wide as they were; the header comes once.
  std::string Next();

 private:
  std::string Lines(const std::vector<size_t>& widths, bool with_header) const;
  std::vector<size_t> Widths() const;

  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> before_;  // widths that Next has shown
  int shrinks_ = -1;
};

// Cells that end in a tab align with those above and below them, as far as lines follow one another
// that have such a cell; Go's text/tabwriter, which kubectl describes with, does so.
std::string AlignTabs(std::string_view text, size_t padding = 2);

}  // namespace kpod::cmd
