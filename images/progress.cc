#include "images/progress.h"

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "base/terminal.h"
#include "base/text.h"

namespace kpod::images {

namespace {

constexpr int64_t kRedrawNanos = 100'000'000;
constexpr size_t kMaxLines = 8;  // of many layers, the latest

size_t Columns() {
  size_t columns = TerminalColumns(2);
  return columns == 0 ? 80 : columns;
}

}  // namespace

std::string RenderProgress(const std::string& what, uint64_t done, uint64_t total, size_t width) {
  constexpr size_t kLabel = 14;
  std::string label = what.substr(0, kLabel);
  // An image's words reach the terminal: no control bytes.
  for (char& c : label) c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  label.resize(kLabel, ' ');
  std::string amount = HumanBytes(done);
  if (total > 1) amount += " / " + HumanBytes(total);
  if (total == 1) amount = "already here";
  if (total > 1 && done >= total) amount = "done " + HumanBytes(total);
  std::string line = label + " ";
  size_t used = line.size() + amount.size() + 4;
  if (total > 0 && width > used + 8) {
    size_t inner = std::min<size_t>(width - used, 40);
    size_t filled = static_cast<size_t>(static_cast<double>(std::min(done, total)) /
                                        static_cast<double>(total) * static_cast<double>(inner));
    std::string bar(filled, '=');
    if (filled < inner) bar += '>';
    bar.resize(inner, ' ');
    line += "[" + bar + "] ";
  }
  line += amount;
  if (line.size() + 1 > width) line.resize(width > 1 ? width - 1 : 0);
  return line;
}

ProgressBar::ProgressBar(bool quiet) : shown_(!quiet && HasCursor(2)) {}

Progress ProgressBar::Callback() {
  if (!shown_) return nullptr;
  return
      [this](const std::string& what, uint64_t done, uint64_t total) { Update(what, done, total); };
}

void ProgressBar::Update(const std::string& what, uint64_t done, uint64_t total) {
  if (!shown_) return;
  auto it = std::find_if(items_.begin(), items_.end(),
                         [&](const Item& item) { return item.what == what; });
  bool ended = total > 0 && done >= total;
  if (it == items_.end()) {
    items_.push_back({what, done, total});
    if (items_.size() > kMaxLines) items_.erase(items_.begin());
  } else {
    *it = {what, done, total};
  }
  int64_t now = MonotonicNanos();
  if (!ended && now - last_ < kRedrawNanos) return;
  last_ = now;
  Draw();
}

void ProgressBar::Draw() {
  size_t width = Columns();
  std::string out;
  if (drawn_ > 0) out += StrCat("\x1b[", drawn_, "A");
  for (const Item& item : items_) {
    out += StrCat("\r\x1b[K", RenderProgress(item.what, item.done, item.total, width), "\n");
  }
  drawn_ = items_.size();
  (void)WriteAll(2, out);
}

void ProgressBar::Finish() {
  if (drawn_ > 0) (void)WriteAll(2, StrCat("\x1b[", drawn_, "A\r\x1b[J"));
  drawn_ = 0;
  items_.clear();
}

}  // namespace kpod::images
