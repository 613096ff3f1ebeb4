#include "smtp/mta_reply.h"

namespace deferd::smtp {

MtaReply first_reply(std::string_view bytes) {
  MtaReply reply;
  while (true) {
    const auto end = bytes.find('\n', reply.size);
    if (end == bytes.npos) return {bytes.size() > kLongestReply ? -1 : 0};
    const auto line = bytes.substr(reply.size, end - reply.size);
    const auto digit = [&](std::size_t i) { return i < line.size() && line[i] >= '0' && line[i] <= '9'; };
    if (!digit(0) || !digit(1) || !digit(2)) return {-1};
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (code < 200 || code > 599 || (reply.code != 0 && code != reply.code)) return {-1};
    const char mark = line.size() > 3 ? line[3] : ' ';
    if (mark != '-' && mark != ' ' && mark != '\r') return {-1};
    reply.code = code;
    reply.size = end + 1;
    if (mark != '-') return reply;
  }
}

}  // namespace deferd::smtp
