#include "deferd/list_message.h"

namespace deferd {
namespace {

/// What `%next` or `\next` stands for; nothing if it stands for itself.
bool append_expansion(std::string& out, char prefix, char next, const Address& client) {
  if (next == '%' || next == '\\') {  // doubled, or one of the two odd cases: the prefix is what is left
    out += prefix;
    return true;
  }
  if (prefix == '%' && next == 'A') {
    out += client.to_string();
    return true;
  }
  if (prefix == '\\' && (next == 'n' || next == '"')) {
    out += next == 'n' ? '\n' : '"';
    return true;
  }
  return false;
}

}  // namespace

std::string list_message(std::string_view text, const Address& client) {
  std::string out;
  out.reserve(text.size() + 40);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool prefix = text[i] == '%' || text[i] == '\\';
    if (prefix && i + 1 < text.size() && append_expansion(out, text[i], text[i + 1], client))
      ++i;
    else
      out += text[i];
  }
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace deferd
