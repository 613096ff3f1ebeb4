#include "envelope.h"

#include <algorithm>
#include <cctype>

#include "bytes.h"
#include "deferd/ascii.h"

namespace deferd::greylist {
namespace {

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// A text too long keeps its beginning; the rest becomes sixteen letters, so that different ones stay different.
std::string bounded(std::string text) {
  if (text.size() <= kFoldedMax) return text;
  constexpr std::size_t kTail = 17;
  auto hash = stable_hash(text);
  text.resize(kFoldedMax - kTail);
  text += '~';
  for (int i = 0; i < 16; ++i, hash >>= 4) text += static_cast<char>('a' + (hash & 15));
  return text;
}

// What both sides of a pair have in common.
std::string canonical(std::string_view address) {
  while (address.starts_with('@')) {  // @relay1,@relay2:user@example.org
    const auto colon = address.find(':');
    if (colon == address.npos || colon + 1 == address.size()) break;
    address.remove_prefix(colon + 1);
  }
  std::string out(address);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return is_control(c) ? '?' : lower(c); });
  if (out.rfind('@') != out.npos)
    while (out.ends_with('.')) out.pop_back();
  return bounded(std::move(out));
}

// "a=b=c" -> "a", leaving "b=c"; empty and unchanged if there is no such sign.
std::string_view cut(std::string_view& text, std::string_view sign) {
  const auto at = text.find(sign);
  if (at == text.npos) return {};
  const auto head = text.substr(0, at);
  text.remove_prefix(at + sign.size());
  return head;
}

// draft-levine-smtp-batv: prvs=KDDDSSSSSS=loc-core; other signers put the tag behind a slash, or use names of their own.
bool strip_batv(std::string& local) {
  std::string_view rest = local;
  if (rest.starts_with("btv1==")) {
    rest.remove_prefix(6);
    if (cut(rest, "==").empty() || rest.empty()) return false;
  } else if (rest.starts_with("prvs=") || rest.starts_with("msprvs1=")) {
    cut(rest, "=");
    if (const auto slash = rest.find('/'); slash != rest.npos && slash > 0 && rest.find('=') == rest.npos)
      rest = rest.substr(0, slash);
    else if (cut(rest, "=").empty() || rest.empty())
      return false;
  } else {
    return false;
  }
  local = std::string(rest);
  return true;
}

// SRS0 <sep> hash = timestamp = domain = local;  SRS1 <sep> hash = hop = <SRS0 without its name>. Hash and timestamp change
// daily.
bool strip_srs(std::string& local) {
  std::string_view rest = local;
  const bool second = rest.starts_with("srs1");
  if (!second && !rest.starts_with("srs0")) return false;
  rest.remove_prefix(4);
  if (rest.empty() || (rest[0] != '=' && rest[0] != '+' && rest[0] != '-')) return false;
  rest.remove_prefix(1);
  if (cut(rest, "=").empty()) return false;
  std::string_view hop;
  if (second) {
    hop = cut(rest, "=");
    if (hop.empty() || rest.empty()) return false;
    rest.remove_prefix(1);  // the separator that followed the inner SRS0
    if (cut(rest, "=").empty()) return false;
  }
  if (cut(rest, "=").empty() || rest.find('=') == rest.npos) return false;
  local = second ? "srs=" + std::string(hop) + "=" + std::string(rest) : "srs=" + std::string(rest);
  return true;
}

bool strip_plus(std::string& local) {
  const auto plus = local.find('+', 1);
  if (plus == local.npos) return false;
  local.resize(plus);
  return true;
}

// Numbers, and what no person and no list would be called: message ids in hex or base 32.
bool looks_random(std::string_view token) {
  const auto digits = std::count_if(token.begin(), token.end(), is_digit);
  if (static_cast<std::size_t>(digits) == token.size()) return true;
  int changes = 0;  // between letters and digits: "christopher1985" has one
  for (std::size_t i = 1; i < token.size(); ++i) changes += is_digit(token[i]) != is_digit(token[i - 1]);
  if (token.size() >= 8 && changes >= 2 && std::all_of(token.begin(), token.end(), is_hex)) return true;
  return token.size() >= 12 && changes >= 3;
}

void append_token(std::string& out, std::string_view token) {
  constexpr std::size_t kLongRun = 5;  // four digits may be a year
  if (looks_random(token)) {
    out += '#';
    return;
  }
  for (std::size_t i = 0; i < token.size();) {
    auto end = i;
    while (end < token.size() && is_digit(token[end])) ++end;
    if (end - i >= kLongRun) {
      out += '#';
    } else {
      end = std::max(end, i + 1);
      out += token.substr(i, end - i);
    }
    i = end;
  }
}

std::string without_numbers(std::string_view local) {
  std::string out;
  out.reserve(local.size());
  for (std::size_t i = 0; i < local.size();) {
    auto end = i;
    while (end < local.size() && (is_digit(local[end]) || is_letter(local[end]))) ++end;
    if (end == i)
      out += local[i++];
    else
      append_token(out, local.substr(i, end - i));
    i = std::max(i, end);
  }
  return out;
}

}  // namespace

std::string fold_sender(std::string_view address) {
  const std::string whole = canonical(address);
  const auto at = std::min(whole.rfind('@'), whole.size());
  std::string local = whole.substr(0, at);
  while (strip_batv(local) || strip_srs(local) || strip_plus(local)) {  // each leaves less, and may bare another
  }
  std::string out = without_numbers(local) + whole.substr(at);
  return out.starts_with('@') && out != address ? fold_sender(out) : out;  // what was stripped hid a source route
}

std::string fold_recipient(std::string_view address) { return canonical(address); }

std::string sender_domain(std::string_view address) {
  const std::string whole = canonical(address);
  const auto at = whole.rfind('@');
  return at == whole.npos ? std::string() : whole.substr(at + 1);
}

std::string keep_bytes(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), is_control, '?');
  return bounded(std::move(out));
}

}  // namespace deferd::greylist
