// The bytes on disk: what is written reads back, what is damaged or of another version reads as nothing.
#include <gtest/gtest.h>

#include <string>

#include "bytes.h"
#include "correspondents.h"
#include "expect.h"
#include "keys.h"
#include "known_senders.h"
#include "pair.h"
#include "tuple.h"

namespace deferd::greylist {
namespace {

using namespace std::chrono_literals;
constexpr Time kTime{Duration(1'770'000'000)};

Tuple a_tuple() {
  Tuple tuple;
  tuple.first = kTime;
  tuple.last = kTime + 10min;
  tuple.passed = kTime + 10min;
  tuple.tries = 300;
  tuple.client = *Address::parse("2001:db8::7");
  return tuple;
}
KnownSender a_known_sender() { return {{{0xffffffff, kTime}, {0, kTime + 1h}}}; }
Windows some_windows() { return {{{"example.org", kTime}, {"", kTime + 1h}}}; }

template <class T>
void expect_only_whole(const std::string& bytes, std::optional<T> (*decode)(std::string_view), const T& value) {
  ASSERT_TRUE(decode(bytes));
  EXPECT_EQ(*decode(bytes), value);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode(std::string_view(bytes).substr(0, size))) << size;
  EXPECT_FALSE(decode(bytes + '\0'));
  std::string other = bytes;
  other[0] = 2;
  EXPECT_FALSE(decode(other)) << "a later version";
  other[0] = 0;
  EXPECT_FALSE(decode(other));
}

TEST(Records, ReadBackAsWritten) {
  expect_only_whole(encode(a_tuple()), decode_tuple, a_tuple());
  expect_only_whole(encode(Tuple{}), decode_tuple, Tuple{});
  expect_only_whole(encode(Pair{kTime, kTime + 1h, 7}), decode_pair, Pair{kTime, kTime + 1h, 7});
  expect_only_whole(encode(a_known_sender()), decode_known_sender, a_known_sender());
  expect_only_whole(encode(some_windows()), decode_windows, some_windows());
  expect_only_whole(encode(Correspondent{kTime}), decode_correspondent, Correspondent{kTime});
}

TEST(Records, AreSmall) {
  Tuple tuple = a_tuple();
  tuple.passed = Time{};
  tuple.tries = 3;
  tuple.client = *Address::parse("192.0.2.7");
  EXPECT_EQ(encode(tuple).size(), 19U);
  EXPECT_EQ(encode(Pair{kTime, kTime + 1h, 7}).size(), 12U);
}

// Written by the first version: these bytes must be read for ever.
TEST(Records, OfVersionOneStayReadable) {
  const std::string bytes("\x01\x00\x80\x9d\x80\xcc\x06\xd8\xa1\x80\xcc\x06\xd8\xa1\x80\xcc\x06\x03\x04\xc0\x00\x02\x07", 23);
  const auto tuple = decode_tuple(bytes);
  ASSERT_TRUE(tuple);
  EXPECT_EQ(tuple->first, kTime);
  EXPECT_EQ(tuple->passed, kTime + 10min);
  EXPECT_EQ(tuple->tries, 3U);
  EXPECT_EQ(tuple->client.to_string(), "192.0.2.7");
  EXPECT_EQ(encode(*tuple), bytes);
}

TEST(Records, RefuseWhatWritingNeverMakes) {
  EXPECT_FALSE(decode_pair(std::string("\x01\x80\x00\x05\x01", 5))) << "a number in more bytes than it needs";
  EXPECT_FALSE(decode_pair("\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x05\x01")) << "a time beyond the year 9999";
  EXPECT_FALSE(decode_pair("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x05\x01")) << "a number of more than 64 bits";
  EXPECT_FALSE(decode_pair("\x01\x05\x05\xff\xff\xff\xff\x7f")) << "more tries than are counted";
  EXPECT_FALSE(decode_windows("\x01\x11")) << "more windows than are kept";
  EXPECT_FALSE(decode_known_sender("\x01\x11")) << "more pairs than are kept";
}

TEST(Keys, GroupsTellTheirEnvelope) {
  const auto envelope = envelope_of(pair_group("a@example.org", "b@example.net"));
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->from, "a@example.org");
  EXPECT_EQ(envelope->to, "b@example.net");
  EXPECT_EQ(envelope_of(spamd_group("", "B@example.net"))->from, "");
  EXPECT_FALSE(envelope_of(expect_group("b@example.net")));
  EXPECT_FALSE(envelope_of("p"));
}

TEST(Keys, IdentitiesNeverShareAKey) {
  EXPECT_NE(identify(*Address::parse("32.1.13.184"), 32, 64).key(), identify(*Address::parse("2001:db8::"), 24, 32).key());
  EXPECT_NE(identify(*Address::parse("192.0.2.7"), 24, 64).key(), identify(*Address::parse("192.0.2.7"), 23, 64).key());
  EXPECT_NE(identify(*Address::parse("192.0.2.7"), 32, 64).key(), identify(*Address::parse("192.0.2.7"), 24, 64).key());
  EXPECT_EQ(identify(*Address::parse("192.0.2.7"), 24, 64).key(), identify(*Address::parse("192.0.2.8"), 24, 64).key());
}

TEST(Keys, WaitingForTheNullSenderIsPerIdentity) {
  EXPECT_EQ(pair_key("a@example.org", "one"), pair_key("a@example.org", "two"));
  EXPECT_NE(pair_key("", "one"), pair_key("", "two"));
}

}  // namespace
}  // namespace deferd::greylist
