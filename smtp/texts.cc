#include "smtp/texts.h"

#include <ctime>

namespace deferd::smtp {
namespace {

constexpr std::size_t kLongest = 400;

std::string local_date(Time now) {
  const std::time_t unix_time = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  ::localtime_r(&unix_time, &local);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &local)};
}

}  // namespace

std::string expand(std::string_view text, const TextFacts& facts) {
  if (text.find('%') == text.npos) return std::string(text);
  std::string out;
  out.reserve(text.size() + 64);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'h':
        out += facts.name;
        break;
      case 'n':
        out += facts.product;
        break;
      case 'A':
        out += facts.client.to_string();
        break;
      case 'd':
        out += local_date(facts.now);
        break;
      case '%':
        out += '%';
        break;
      default:
        out += '%';
        out += text[i];
    }
  }
  return out;
}

std::string check_text(std::string_view text) {
  if (text.size() > kLongest) return "a text has at most " + std::to_string(kLongest) + " bytes";
  for (const char c : text)
    if (c < ' ' || c > '~') return "a text is one line of printable ASCII";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    const auto next = text.substr(i + 1, 1);
    if (next.empty() || std::string_view("hnAd%").find(next.front()) == std::string_view::npos)
      return "'%" + std::string(next) + "' stands for nothing; there are %h %n %A %d, and %% for a percent sign";
    ++i;
  }
  return {};
}

}  // namespace deferd::smtp
