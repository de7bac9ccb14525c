// Progress on a terminal: one line an item, updated in place. Nothing when standard error is no
// terminal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "images/images.h"

namespace kpod::images {

// One line of at most `width` columns: "layer 1/3  [=====>    ]  12.3MB / 40MB". Pure.
std::string RenderProgress(const std::string& what, uint64_t done, uint64_t total, size_t width);

class ProgressBar {
 public:
  explicit ProgressBar(bool quiet);
  ~ProgressBar() { Finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Update(const std::string& what, uint64_t done, uint64_t total);
  void Finish();  // removes the lines, so that what is printed next starts on a clean one
  // Null when there is nobody to see it. The bar must outlive it.
  Progress Callback();

 private:
  struct Item {
    std::string what;
    uint64_t done, total;
  };
  void Draw();

  bool shown_;
  std::vector<Item> items_;
  size_t drawn_ = 0;  // lines on the screen
  int64_t last_ = 0;
};

}  // namespace kpod::images
