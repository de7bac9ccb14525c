// What a person's terminal can take, and how text that a stranger wrote is made fit for it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kpod {

// Closed standard descriptors become /dev/null, so that no file that is opened later takes their
// numbers and gets what is printed.
Status OpenStandardStreams();

// A terminal that moves its cursor: TERM is neither absent nor "dumb".
bool HasCursor(int fd);
// Such a terminal, and nobody asked for none (https://no-color.org: NO_COLOR is not empty).
bool HasColours(int fd);
// Columns and rows of the terminal; 0 when it is none, or does not say.
size_t TerminalColumns(int fd);
size_t TerminalRows(int fd);

// Columns that the text takes: bytes that continue a UTF-8 sequence take none.
size_t DisplayWidth(std::string_view text);

// Text of images, containers and registries for a terminal: control characters, what overrides the
// direction of writing and bytes that are no UTF-8 are shown (as ^[ or \x9b, kubectl's and cat -v's
// ways) and not obeyed. Line feeds and tabs stay where `lines`, else they are shown as \n and \t.
std::string Printable(std::string_view text, bool lines = false);

}  // namespace kpod
