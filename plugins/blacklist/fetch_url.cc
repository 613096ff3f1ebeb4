// http, https and ftp, by libcurl.
#include <curl/curl.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <mutex>

#include "deferd/ascii.h"
#include "source.h"

namespace deferd::blacklist {
namespace {

constexpr long kMostRedirects = 5;
constexpr long kConnectSeconds = 30;
constexpr long kSlowestBytes = 10, kSlowSeconds = 60;
constexpr std::size_t kLongestHeader = 1024;

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

Handle open_handle() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return {curl_easy_init(), &curl_easy_cleanup};
}

struct Transfer {
  CURL* const curl;
  const bool ftp;
  const FetchLimits& limits;
  const Watch& watch;
  const Take& take;
  Fetched fetched;
  std::uint64_t bytes = 0;
  Result<void> taken;
  std::exception_ptr thrown;  // through curl nothing may be

  bool too_large() const { return bytes > limits.bytes; }
  long status() const {
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    return code;
  }
  bool is_answer() const { return ftp || status() == 200; }
};

std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* where) {
  auto& transfer = *static_cast<Transfer*>(where);
  transfer.bytes += size;
  if (transfer.too_large()) return 0;
  transfer.watch.progress.bytes = transfer.bytes;
  if (!transfer.is_answer()) return size;  // the page that comes with an error
  try {
    transfer.taken = transfer.take({bytes, size});
  } catch (...) {
    transfer.thrown = std::current_exception();
    return 0;
  }
  return transfer.taken ? size : 0;
}

/// The value of the header `name` (in small letters); nothing if `line` is another.
std::string_view value_of(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':' || line.size() > kLongestHeader) return {};
  if (!starts_with_folded(line, name)) return {};
  line.remove_prefix(name.size() + 1);
  const auto start = line.find_first_not_of(" \t");
  if (start == line.npos) return {};
  return line.substr(start, line.find_last_not_of(" \t\r\n") - start + 1);
}

std::size_t take_header(char* bytes, std::size_t, std::size_t size, void* where) {
  auto& validators = static_cast<Transfer*>(where)->fetched.validators;
  const std::string_view line(bytes, size);
  if (line.starts_with("HTTP/")) validators = {};  // of a redirect before
  if (const auto etag = value_of(line, "etag"); !etag.empty()) validators.etag = etag;
  if (const auto modified = value_of(line, "last-modified"); !modified.empty()) validators.modified = modified;
  return size;
}

int see_progress(void* where, curl_off_t total, curl_off_t, curl_off_t, curl_off_t) {
  const auto& watch = static_cast<Transfer*>(where)->watch;
  watch.progress.total = static_cast<std::uint64_t>(std::max<curl_off_t>(total, 0));
  return watch.stop ? 1 : 0;
}

bool begins_with(std::string_view url, std::string_view scheme) {
  return url.size() > scheme.size() && curl_strnequal(url.data(), scheme.data(), scheme.size()) != 0;
}

Headers conditions(const Validators& known) {
  curl_slist* list = nullptr;
  if (!known.etag.empty()) list = curl_slist_append(list, ("If-None-Match: " + known.etag).c_str());
  if (!known.modified.empty()) list = curl_slist_append(list, ("If-Modified-Since: " + known.modified).c_str());
  return {list, &curl_slist_free_all};
}

std::string error_of(CURLcode code, const Transfer& transfer, const char* detail) {
  if (transfer.too_large() || code == CURLE_FILESIZE_EXCEEDED)
    return "is larger than " + std::to_string(transfer.limits.bytes) + " bytes";
  if (transfer.watch.stop) return "was stopped";
  return *detail != '\0' ? detail : curl_easy_strerror(code);
}

}  // namespace

Result<Fetched> fetch_url(const std::string& url, const Validators& known, const FetchLimits& limits, const Watch& watch,
                          const Take& take) {
  const bool https = begins_with(url, "https://");
  const bool ftp = begins_with(url, "ftp://");
  if (!https && !ftp && !begins_with(url, "http://")) return fail(Errc::invalid, "is no URL of http, https or ftp");
  const Handle handle = open_handle();
  if (!handle) return fail(Errc::unavailable, "libcurl has no memory");
  CURL* const curl = handle.get();
  Transfer transfer{curl, ftp, limits, watch, take, {}, 0, {}, {}};
  char detail[CURL_ERROR_SIZE] = "";
  const Headers headers = conditions(known);

  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, https ? "https" : ftp ? "ftp" : "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, https ? "https" : "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!limits.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, limits.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);  // or an end waits for a name server: its thread goes on alone until it answers
#endif
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.time.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kSlowestBytes);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kSlowSeconds);
  curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(limits.bytes));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "deferd");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  if (!ftp) {
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  }
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &see_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);

  const CURLcode code = curl_easy_perform(curl);
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  if (!transfer.taken) return tl::unexpected(transfer.taken.error());
  if (code != CURLE_OK) return fail(Errc::unavailable, error_of(code, transfer, detail));
  if (transfer.is_answer()) return std::move(transfer.fetched);
  if (transfer.status() == 304 && headers) {
    transfer.fetched.unchanged = true;
    return std::move(transfer.fetched);
  }
  return fail(Errc::unavailable, "the server answers " + std::to_string(transfer.status()));
}

}  // namespace deferd::blacklist
