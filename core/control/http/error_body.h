// How the control socket says that something failed.
#pragma once
#include <string>
#include <string_view>

#include "deferd/result.h"

namespace deferd {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kJsonLines = "application/x-ndjson";

std::string_view code_name(Errc code);       ///< "not_found"
Errc code_named(std::string_view name);      ///< Unknown names are unavailable.
int status_of(Errc code);                    ///< 404
std::string error_body(const Error& error);  ///< {"error": "...", "code": "not_found"} and a line's end

}  // namespace deferd
