// http, https and ftp, by libcurl.
#include <curl/curl.h>

#include <algorithm>
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
  Fetched fetched;
  const FetchLimits& limits;
  const Watch& watch;
  bool too_large = false;
};

std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* where) {
  auto& transfer = *static_cast<Transfer*>(where);
  auto& body = transfer.fetched.body;
  transfer.too_large = body.size() + size > transfer.limits.bytes;
  if (transfer.too_large) return 0;
  try {
    body.append(bytes, size);
  } catch (const std::bad_alloc&) {  // nothing may be thrown through curl
    transfer.too_large = true;
    return 0;
  }
  transfer.watch.progress.bytes = body.size();
  return size;
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
  if (transfer.too_large || code == CURLE_FILESIZE_EXCEEDED)
    return "is larger than " + std::to_string(transfer.limits.bytes) + " bytes";
  if (transfer.watch.stop) return "was stopped";
  return *detail != '\0' ? detail : curl_easy_strerror(code);
}

}  // namespace

Result<Fetched> fetch_url(const std::string& url, const Validators& known, const FetchLimits& limits, const Watch& watch) {
  const bool https = begins_with(url, "https://");
  const bool ftp = begins_with(url, "ftp://");
  if (!https && !ftp && !begins_with(url, "http://")) return fail(Errc::invalid, "is no URL of http, https or ftp");
  const Handle handle = open_handle();
  if (!handle) return fail(Errc::unavailable, "libcurl has no memory");
  CURL* const curl = handle.get();
  Transfer transfer{{}, limits, watch};
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
  if (code != CURLE_OK) return fail(Errc::unavailable, error_of(code, transfer, detail));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (ftp || status == 200) return std::move(transfer.fetched);
  if (status == 304 && headers) {
    transfer.fetched.unchanged = true;
    transfer.fetched.body.clear();
    return std::move(transfer.fetched);
  }
  return fail(Errc::unavailable, "the server answers " + std::to_string(status));
}

}  // namespace deferd::blacklist
