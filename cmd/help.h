// What --help says, made from the commands' own rows.
#pragma once

#include <string>
#include <vector>

#include "cmd/command.h"

namespace kpod::cmd {

po::options_description OptionsOf(const Command& command);

// An option as help shows it: "  -n, --namespace NAME".
std::string SpellingOf(const po::option_description& option);

std::string HelpFor(const Command& command);
std::string HelpOverview();

// The commands of a family ("image"); "" when there is none.
std::string HelpForFamily(const std::string& first_word);

}  // namespace kpod::cmd
