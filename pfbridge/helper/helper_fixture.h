// For tests of the helper as a program: a folder of their own, and frames.
#pragma once
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "pfbridge/helper/wire.h"

namespace deferd::bridge {

class HelperTest : public testing::Test {
 protected:
  HelperTest() {
    ::signal(SIGPIPE, SIG_IGN);
    std::string name = (std::filesystem::temp_directory_path() / "deferd-helper.XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~HelperTest() override { std::filesystem::remove_all(folder); }

  std::string file(const char* name) const { return (folder / name).string(); }
  std::string text_of(const char* name) const {
    std::ostringstream text;
    text << std::ifstream(file(name)).rdbuf();
    return text.str();
  }
  static std::vector<Message> messages(std::string_view bytes) {
    FrameReader reader;
    reader.add(bytes);
    std::vector<Message> all;
    while (auto frame = reader.next()) all.push_back(frame->message);
    return all;
  }
  static std::string hello_and(const std::vector<Message>& rest) {
    std::string bytes;
    write_frame(bytes, 0, Hello{});
    std::uint32_t id = 1;
    for (const auto& message : rest) write_frame(bytes, id++, message);
    return bytes;
  }

  std::filesystem::path folder;
  const Entry one = *Entry::parse("192.0.2.1"), net = *Entry::parse("2001:db8::/32");
};

}  // namespace deferd::bridge
