#include "cmd/table.h"

#include <algorithm>

#include "base/terminal.h"
#include "base/text.h"

namespace kpod::cmd {

namespace {

constexpr size_t kGap = 3;

// "a long text" in 8 columns: "a lon..."
std::string Cut(const std::string& text, size_t columns) {
  if (DisplayWidth(text) <= columns) return text;
  size_t keep = columns > 3 ? columns - 3 : 0;
  size_t at = 0;
  for (size_t seen = 0; at < text.size(); ++at) {
    if (DisplayWidth(text.substr(at, 1)) > 0 && seen++ == keep) break;
  }
  return text.substr(0, at) + "...";
}

}  // namespace

void Table::Add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = Printable(cell);
  rows_.push_back(std::move(row));
}

std::string Table::Text() const { return Text(TerminalColumns(1)); }

std::vector<size_t> Table::Widths() const {
  std::vector<size_t> widths = before_;
  auto measure = [&](const std::vector<std::string>& row) {
    if (widths.size() < row.size()) widths.resize(row.size());
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  };
  measure(header_);
  for (const auto& row : rows_) measure(row);
  return widths;
}

std::string Table::Lines(const std::vector<size_t>& widths, bool with_header) const {
  std::string out;
  auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      std::string cell = Cut(row[i], widths[i]);
      line += cell;
      if (i + 1 < row.size()) line.append(widths[i] - DisplayWidth(cell) + kGap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  if (with_header && !header_.empty()) print(header_);
  for (const auto& row : rows_) print(row);
  return out;
}

std::string Table::Text(size_t columns) const {
  std::vector<size_t> widths = Widths();
  size_t total = widths.empty() ? 0 : kGap * (widths.size() - 1);
  for (size_t w : widths) total += w;
  if (shrinks_ >= 0 && columns > 0 && total > columns) {
    constexpr size_t kLeast = 16;
    size_t& width = widths[static_cast<size_t>(shrinks_)];
    size_t wanted = width - std::min(width, total - columns);
    width = std::min(width, std::max(kLeast, wanted));
  }
  return Lines(widths, true);
}

std::string Table::Next() {
  bool first = before_.empty();
  before_ = Widths();
  std::string out = Lines(before_, first);
  rows_.clear();
  return out;
}

namespace {

using Cells = std::vector<std::vector<std::string>>;

bool EndsInTab(const std::vector<std::string>& line, size_t column) {
  return line.size() > column + 1;
}

// Pads the cells of one column, and then of those after it within each run of lines that have it.
void AlignColumn(Cells* lines, size_t from, size_t to, size_t column, size_t padding) {
  for (size_t i = from; i < to;) {
    if (!EndsInTab((*lines)[i], column)) {
      ++i;
      continue;
    }
    size_t end = i, width = 0;
    for (; end < to && EndsInTab((*lines)[end], column); ++end)
      width = std::max(width, DisplayWidth((*lines)[end][column]) + padding);
    for (size_t k = i; k < end; ++k) {
      std::string& cell = (*lines)[k][column];
      cell.append(width - DisplayWidth(cell), ' ');
    }
    AlignColumn(lines, i, end, column + 1, padding);
    i = end;
  }
}

}  // namespace

std::string AlignTabs(std::string_view text, size_t padding) {
  Cells lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::vector<std::string>& cells = lines.emplace_back();
    std::string_view line = text.substr(0, end);
    for (size_t tab; (tab = line.find('\t')) != std::string_view::npos; line.remove_prefix(tab + 1))
      cells.emplace_back(line.substr(0, tab));
    cells.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  AlignColumn(&lines, 0, lines.size(), 0, padding);
  std::string out;
  for (const auto& cells : lines) {
    std::string line = Join(cells, "");
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace kpod::cmd
