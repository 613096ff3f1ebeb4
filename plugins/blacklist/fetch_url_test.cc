#include <curl/curlver.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <future>
#include <new>

#include "slow_name.h"
#include "source.h"
#include "testing_server.h"
#include "testing_support.h"

namespace deferd::blacklist {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class FetchUrl : public ::testing::Test {
 protected:
  Result<Fetched> get(const std::string& url, const Validators& known = {}) {
    came.clear();
    return fetch_url(url, known, limits, {progress, stop}, into(came));
  }
  /// The body, or `error: ...`.
  std::string body(const std::string& url) {
    auto fetched = get(url);
    return fetched ? came : "error: " + fetched.error().what;
  }

  std::string came;
  TestServer server;
  FetchLimits limits{1 << 20, 20s, {}};
  Progress progress;
  std::atomic<bool> stop{false};
};

TEST_F(FetchUrl, BringsABodyAndItsValidators) {
  server.say(TestServer::ok("192.0.2.1\n", "ETag: \"one\"\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n"));
  const auto fetched = get(server.url());
  ASSERT_TRUE(fetched) << fetched.error().what;
  EXPECT_EQ(came, "192.0.2.1\n");
  EXPECT_EQ(fetched->validators.etag, "\"one\"");
  EXPECT_EQ(fetched->validators.modified, "Thu, 01 Jan 2026 00:00:00 GMT");
  EXPECT_THAT(server.requests().at(0), Not(HasSubstr("If-")));
  EXPECT_EQ(progress.bytes, 10u);
}

TEST_F(FetchUrl, AsksWhetherAnythingIsNew) {
  server.say("HTTP/1.1 304 Not Modified\r\n\r\n");
  const auto fetched = get(server.url(), {"\"one\"", "Thu, 01 Jan 2026 00:00:00 GMT"});
  ASSERT_TRUE(fetched) << fetched.error().what;
  EXPECT_TRUE(fetched->unchanged);
  EXPECT_THAT(server.requests().at(0), HasSubstr("If-None-Match: \"one\"\r\n"));
  EXPECT_THAT(server.requests().at(0), HasSubstr("If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n"));
}

TEST_F(FetchUrl, BelievesNoServerThatSaysSoUnasked) {
  server.say("HTTP/1.1 304 Not Modified\r\n\r\n");
  EXPECT_EQ(body(server.url()), "error: the server answers 304");
}

TEST_F(FetchUrl, TakesErrorsForErrorsWhateverTheirBody) {
  for (const auto* status : {"404 Not Found", "500 Oops", "403 Forbidden", "204 No Content", "206 Partial Content"}) {
    server.say("HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 10\r\n\r\n192.0.2.1\n");
    EXPECT_THAT(body(server.url()), HasSubstr("error: ")) << status;
    EXPECT_EQ(came, "") << status;
  }
}

TEST_F(FetchUrl, RefusesHalfFiles) {
  server.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n192.0.2.1\n");
  EXPECT_THAT(body(server.url()), HasSubstr("error: "));
  server.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n192.0.2.1\n\r\n");
  EXPECT_THAT(body(server.url()), HasSubstr("error: "));
  server.say("");
  EXPECT_THAT(body(server.url()), HasSubstr("error: "));
  server.say("no HTTP at all\r\n\r\n");
  EXPECT_THAT(body(server.url()), HasSubstr("error: "));
}

TEST_F(FetchUrl, TakesNoMoreThanItMay) {
  limits.bytes = 100;
  server.say(TestServer::ok(std::string(101, 'x')));
  EXPECT_EQ(body(server.url()), "error: is larger than 100 bytes");
  server.say("HTTP/1.0 200 OK\r\n\r\n" + std::string(100'000, 'x'));  // without a length
  EXPECT_EQ(body(server.url()), "error: is larger than 100 bytes");
  server.say("HTTP/1.0 200 OK\r\n\r\n" + std::string(100, 'x'));
  EXPECT_THAT(body(server.url()), SizeIs(100));
}

TEST_F(FetchUrl, HandsOnWhatComesAsItComes) {
  const std::string text(1 << 20, 'x');
  server.say(TestServer::ok(text));
  std::size_t largest = 0, all = 0;
  const auto fetched = fetch_url(server.url(), {}, limits, {progress, stop}, [&](std::string_view bytes) -> Result<void> {
    largest = std::max(largest, bytes.size());
    all += bytes.size();
    return {};
  });
  EXPECT_TRUE(fetched);
  EXPECT_EQ(all, text.size());
  EXPECT_LE(largest, 64u << 10);
}

TEST_F(FetchUrl, EndsWhenNoMoreIsWanted) {
  server.say([](const std::string&) {
    return TestServer::Answer{"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n192.0.2.1\n", true};
  });
  const auto refuse = [](std::string_view) -> Result<void> { return fail(Errc::conflict, "enough"); };
  const auto fetched = fetch_url(server.url(), {}, limits, {progress, stop}, refuse);
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().what, "enough");
  EXPECT_EQ(fetched.error().code, Errc::conflict);
  const auto run_out = [](std::string_view) -> Result<void> { throw std::bad_alloc(); };
  EXPECT_THROW((void)fetch_url(server.url(), {}, limits, {progress, stop}, run_out), std::bad_alloc);
}

TEST_F(FetchUrl, EndsWhenTimeIsUp) {
  limits.time = 200ms;
  server.say([](const std::string&) {
    return TestServer::Answer{"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n192.0.2.1\n", true};
  });
  EXPECT_THAT(body(server.url()), HasSubstr("timed out"));
}

TEST_F(FetchUrl, EndsWhenItIsStopped) {
  std::promise<void> asked;
  server.say([&](const std::string&) {
    asked.set_value();
    return TestServer::Answer{"HTTP/1.1 200 OK\r\n\r\n", true};
  });
  auto fetch = std::async(std::launch::async, [&] { return body(server.url()); });
  asked.get_future().wait();
  stop = true;
  EXPECT_EQ(fetch.get(), "error: was stopped");
}

TEST_F(FetchUrl, EndsWhenItIsStoppedWhileANameIsLookedUp) {
#if LIBCURL_VERSION_NUM < 0x075700
  GTEST_SKIP() << "this libcurl waits for its resolver";
#endif
  limits.time = 10min;
  auto fetch = std::async(std::launch::async, [&] { return body("http://" + std::string(SlowName::kName) + "/"); });
  EXPECT_TRUE(SlowName::is_asked_for());
  stop = true;
  EXPECT_EQ(fetch.wait_for(20s), std::future_status::ready);
  SlowName::answer();
  EXPECT_EQ(fetch.get(), "error: was stopped");
}

TEST_F(FetchUrl, FollowsAFewRedirects) {
  server.say([](const std::string& request) {
    if (request.starts_with("GET /list "))
      return TestServer::Answer{
          "HTTP/1.1 302 Found\r\nConnection: close\r\nETag: \"redirect\"\r\nLocation: /moved\r\nContent-Length: 0\r\n\r\n"};
    if (request.starts_with("GET /moved ")) return TestServer::Answer{TestServer::ok("192.0.2.1\n")};
    return TestServer::Answer{"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n"};
  });
  const auto fetched = get(server.url());
  ASSERT_TRUE(fetched) << fetched.error().what;
  EXPECT_EQ(came, "192.0.2.1\n");
  EXPECT_EQ(fetched->validators.etag, "");
  EXPECT_THAT(body(server.url("/round")), HasSubstr("redirects"));
  EXPECT_THAT(server.requests(), SizeIs(2 + 6));
}

TEST_F(FetchUrl, GoesNowhereButToTheWeb) {
  EXPECT_THAT(body("file:///etc/passwd"), HasSubstr("is no URL of http"));
  EXPECT_THAT(body("gopher://127.0.0.1/"), HasSubstr("is no URL of http"));
  for (const auto* to : {"file:///etc/passwd", "ftp://127.0.0.1/list", "gopher://127.0.0.1/"}) {
    server.say("HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: " + std::string(to) + "\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(body(server.url()), HasSubstr("error: ")) << to;
  }
}

TEST_F(FetchUrl, SaysThatNobodyAnswers) {
  EXPECT_THAT(body("http://127.0.0.1:1/"), HasSubstr("error: "));
  limits.time = 500ms;
  EXPECT_THAT(body("https" + server.url().substr(4)), HasSubstr("error: "));  // it waits for our request
}

}  // namespace
}  // namespace deferd::blacklist
