#include "pfbridge/helper/wire.h"

#include <algorithm>

namespace deferd::bridge {
namespace {

enum class Type : std::uint8_t {
  hello = 1,
  add = 2,
  remove = 3,
  read = 4,
  whereto = 5,
  alive = 6,
  done = 16,
  entries = 17,
  destination = 18,
  passed = 19,
};

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void u8(unsigned value) { out_.push_back(static_cast<char>(value)); }
  void u16(unsigned value) {
    u8(value >> 8);
    u8(value);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value & 0xffff);
  }
  void text(std::string_view value) {
    value = value.substr(0, 255);
    u8(static_cast<unsigned>(value.size()));
    out_.append(value);
  }
  void entry(const Entry& value) {
    u8(static_cast<unsigned>(value.family));
    u8(value.length);
    out_.append(reinterpret_cast<const char*>(value.bytes.data()), static_cast<std::size_t>(value.bits()) / 8);
  }
  void entries(const std::vector<Entry>& values) {
    u32(static_cast<std::uint32_t>(values.size()));
    for (const Entry& value : values) entry(value);
  }
  void endpoint(const Endpoint& value) {
    entry(value.address);
    u16(value.port);
  }

  void message(const Hello& hello) {
    u16(hello.version);
    u8(static_cast<unsigned>(hello.tables.size()));
    for (const auto& name : hello.tables) text(name);
  }
  void message(const Add& add) {
    u8(add.table);
    u32(static_cast<std::uint32_t>(add.rows.size()));
    for (const Row& row : add.rows) {
      entry(row.entry);
      u32(row.seconds);
    }
  }
  void message(const Remove& remove) {
    u8(remove.table);
    entries(remove.entries);
  }
  void message(const Read& read) { u8(read.table); }
  void message(const Whereto& whereto) {
    endpoint(whereto.client);
    endpoint(whereto.own);
  }
  void message(const Alive&) {}
  void message(const Done& done) {
    u8(done.error.empty() ? 0 : 1);
    u32(done.changed);
    text(done.error);
  }
  void message(const Entries& some) { entries(some.entries); }
  void message(const Destination& destination) {
    u8(destination.found ? 1 : 0);
    if (destination.found) endpoint(*destination.found);
  }
  void message(const Passed& passed) {
    u8(passed.inbound ? 1 : 2);
    entry(passed.host);
    text(passed.interface);
  }

 private:
  std::string& out_;
};

Type type_of(const Message& message) {
  constexpr Type types[] = {Type::hello, Type::add,  Type::remove,  Type::read,        Type::whereto,
                            Type::alive, Type::done, Type::entries, Type::destination, Type::passed};
  static_assert(std::size(types) == std::variant_size_v<Message>);
  return types[message.index()];
}

// Reads one frame's bytes. After the first thing that is not there or not allowed, ok() is false and all values are empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  void require(bool condition) { ok_ = ok_ && condition; }

  std::string_view bytes(std::size_t count) {
    require(rest_.size() >= count);
    if (!ok_) return {};
    const auto some = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return some;
  }
  std::uint32_t number(std::size_t size) {
    std::uint32_t value = 0;
    for (const char byte : bytes(size)) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::string text() { return std::string(bytes(u8())); }

  Entry entry() {
    const std::uint8_t family = u8(), length = u8();
    require(family == 4 || family == 6);
    if (!ok_) return {};
    Entry entry;
    entry.family = static_cast<Family>(family);
    entry.length = length;
    const auto given = bytes(static_cast<std::size_t>(entry.bits()) / 8);
    std::transform(given.begin(), given.end(), entry.bytes.begin(), [](char byte) { return static_cast<std::uint8_t>(byte); });
    // Only canonical ones: what differs from its canonical form has host bits, is mapped, or is too long.
    require(Entry::make(entry.family, entry.bytes, entry.length) == entry);
    return entry;
  }
  std::vector<Entry> entries() {
    const std::uint32_t count = number(4);
    require(count <= kMaxEntries && count <= rest_.size() / 6);  // the shortest entry has 6 bytes
    std::vector<Entry> some;
    if (!ok_) return some;
    some.reserve(count);
    for (std::uint32_t i = 0; i < count && ok_; ++i) some.push_back(entry());
    return some;
  }
  std::vector<Row> rows() {
    const std::uint32_t count = number(4);
    require(count <= kMaxEntries && count <= rest_.size() / 10);
    std::vector<Row> some;
    if (!ok_) return some;
    some.reserve(count);
    for (std::uint32_t i = 0; i < count && ok_; ++i) {
      const Entry one = entry();
      some.push_back({one, number(4)});
    }
    return some;
  }
  Endpoint endpoint() {
    Endpoint endpoint;
    endpoint.address = entry();
    require(endpoint.address.is_host());
    endpoint.port = u16();
    return endpoint;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

Hello read_hello(Reader& reader) {
  Hello hello;
  hello.version = reader.u16();
  const std::size_t tables = reader.u8();
  reader.require(tables <= kMaxTables);
  for (std::size_t i = 0; i < tables && reader.ok(); ++i) hello.tables.push_back(reader.text());
  return hello;
}

Done read_done(Reader& reader) {
  const bool failed = reader.u8() != 0;
  Done done;
  done.changed = reader.number(4);
  done.error = reader.text();
  reader.require(failed != done.error.empty());
  return done;
}

Destination read_destination(Reader& reader) {
  Destination destination;
  const auto found = reader.u8();
  reader.require(found <= 1);
  if (found == 1) destination.found = reader.endpoint();
  return destination;
}

Passed read_passed(Reader& reader) {
  Passed passed;
  const auto direction = reader.u8();
  reader.require(direction == 1 || direction == 2);
  passed.inbound = direction == 1;
  passed.host = reader.entry();
  passed.interface = reader.text();
  return passed;
}

Message read_message(Type type, Reader& reader) {
  switch (type) {
    case Type::hello:
      return read_hello(reader);
    case Type::add: {
      const auto table = reader.u8();
      return Add{table, reader.rows()};
    }
    case Type::remove: {
      const auto table = reader.u8();
      return Remove{table, reader.entries()};
    }
    case Type::read:
      return Read{reader.u8()};
    case Type::whereto: {
      const auto client = reader.endpoint();
      return Whereto{client, reader.endpoint()};
    }
    case Type::alive:
      return Alive{};
    case Type::done:
      return read_done(reader);
    case Type::entries:
      return Entries{reader.entries()};
    case Type::destination:
      return read_destination(reader);
    case Type::passed:
      return read_passed(reader);
  }
  reader.require(false);
  return Alive{};
}

}  // namespace

void write_frame(std::string& out, std::uint32_t id, const Message& message) {
  const std::size_t start = out.size();
  Writer writer(out);
  writer.u32(0);
  writer.u8(static_cast<unsigned>(type_of(message)));
  writer.u32(id);
  std::visit([&](const auto& one) { writer.message(one); }, message);
  std::string length;
  Writer(length).u32(static_cast<std::uint32_t>(out.size() - start - 4));
  out.replace(start, 4, length);
}

std::optional<Frame> FrameReader::next() {
  if (broken_) return std::nullopt;
  const std::string_view unread = std::string_view(buffer_).substr(at_);
  Reader head(unread);
  const std::size_t length = head.number(4);
  if (head.ok() && (length < 5 || length > kMaxFrame)) broken_ = true;
  if (broken_ || !head.ok() || unread.size() < 4 + length) {
    buffer_.erase(0, at_);
    at_ = 0;
    return std::nullopt;
  }
  Reader body(unread.substr(4, length));
  Frame frame;
  const auto type = static_cast<Type>(body.u8());
  frame.id = body.number(4);
  frame.message = read_message(type, body);
  at_ += 4 + length;
  if (!body.done()) {
    broken_ = true;
    return std::nullopt;
  }
  return frame;
}

}  // namespace deferd::bridge
