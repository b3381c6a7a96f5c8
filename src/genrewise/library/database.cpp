#include "genrewise/library/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <wctype.h>

#include <algorithm>
#include <climits>
#include <cwchar>
#include <exception>
#include <nlohmann/json.hpp>

#include "genrewise/base/byte_text.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/base/utf8_locale.hpp"

namespace genrewise {
namespace {

constexpr int kBusyMs = 10000;
constexpr std::size_t kMostIdle = 64;

[[noreturn]] void fail(int code, const std::string& text, const std::string& file) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      throw Error("no space left on the disk", file, "free some space and run the command again");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error("is used by another program", file, "wait until that has finished");
    case SQLITE_CORRUPT:
      throw DamagedDatabase(fmt::format("is damaged ({})", text), file,
                            "move it away and scan again; `sqlite3 FILE .recover` may save its corrections");
    case SQLITE_NOTADB:
      throw Error("is not a catalogue", file, "give another file with --library");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      throw Error(fmt::format("cannot be written ({})", text), file,
                  "check the permissions of the file and its folder");
    case SQLITE_CANTOPEN:
      throw Error(fmt::format("cannot be opened ({})", text), file, "check the path and its permissions");
    case SQLITE_IOERR:
      throw Error(fmt::format("cannot be read or written ({})", text), file, "check the disk");
    case SQLITE_NOMEM:  // also for some damaged files
      throw Error("the database reports: out of memory", file,
                  "free memory; if there is enough, the file is damaged: move it away and scan again");
    default:
      throw Error(fmt::format("the database reports: {}", text), file);
  }
}

/// contains() where the function's data is null, else matches().
void find_text(sqlite3_context* context, int count, sqlite3_value** values) try {
  const auto text = [&](int i) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_value_text(values[i]));
    return bytes == nullptr ? std::string_view()
                            : std::string_view(bytes, static_cast<std::size_t>(sqlite3_value_bytes(values[i])));
  };
  const std::string_view needle = count > 0 ? text(0) : std::string_view();
  bool found = false;
  for (int i = 1; i < count && !found; ++i) {
    const std::string hay = folded(text(i));
    found = sqlite3_user_data(context) == nullptr ? hay.find(needle) != std::string::npos : hay == needle;
  }
  sqlite3_result_int(context, found);
} catch (const std::exception&) {  // SQLite is C
  sqlite3_result_error_nomem(context);
}

}  // namespace

std::string folded(std::string_view text) {
  std::string lower = lower_case(text);
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return lower;
  const Utf8Locale utf8;
  std::string folded;
  for (std::string_view rest = lower; !rest.empty();) {
    wchar_t code = 0;
    char letter[MB_LEN_MAX];
    std::mbstate_t state{};
    const std::size_t bytes = std::mbrtowc(&code, rest.data(), rest.size(), &state);
    const bool valid = bytes > 0 && bytes <= rest.size();  // else no UTF-8, or a NUL
    folded.append(valid ? std::string_view(letter, std::wcrtomb(letter, ::towlower(code), &state)) : rest.substr(0, 1));
    rest.remove_prefix(valid ? bytes : 1);
  }
  return folded;
}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  if (database_->idle_.size() < kMostIdle) {
    database_->idle_.emplace(sqlite3_sql(statement_), statement_);
  } else {
    sqlite3_finalize(statement_);
  }
}

void Statement::bind(int parameter, std::int64_t value) {
  database_->check(sqlite3_bind_int64(statement_, parameter + 1, value));
}
void Statement::bind(int parameter, double value) {
  database_->check(sqlite3_bind_double(statement_, parameter + 1, value));
}
void Statement::bind(int parameter, std::string_view text) {
  database_->check(sqlite3_bind_text64(statement_, parameter + 1, text.data() == nullptr ? "" : text.data(),
                                       text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}
void Statement::bind(int parameter, std::span<const std::byte> blob) {
  database_->check(sqlite3_bind_blob64(statement_, parameter + 1,
                                       blob.empty() ? static_cast<const void*>("") : blob.data(), blob.size(),
                                       SQLITE_TRANSIENT));
}
void Statement::bind(int parameter, std::nullptr_t) {
  database_->check(sqlite3_bind_null(statement_, parameter + 1));
}

bool Statement::next() {
  const int code = sqlite3_step(statement_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) database_->check(code);
  return code == SQLITE_ROW;
}

void Statement::run() {
  while (next()) {
  }
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double Statement::real(int column) const {
  return sqlite3_column_double(statement_, column);
}
std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes == nullptr ? std::string()
                          : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}
std::vector<std::string> Statement::texts(int column) const {
  try {
    return any_texts(try_parse_json(text(column)));
  } catch (const nlohmann::json::exception&) {
    fail(SQLITE_CORRUPT, fmt::format("{} is no list of texts", sqlite3_column_name(statement_, column)),
         database_->file());
  }
}
std::span<const std::byte> Statement::blob(int column) const {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  return {bytes, bytes == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
std::optional<double> Statement::optional_real(int column) const {
  if (is_null(column)) return std::nullopt;
  return real(column);
}

Database::Database(const std::filesystem::path& file, Mode mode) : file_(file.string()) {
  const int flags = mode == Mode::read ? SQLITE_OPEN_READONLY
                                       : SQLITE_OPEN_READWRITE | (mode == Mode::create ? SQLITE_OPEN_CREATE : 0);
  const int code =
      sqlite3_open_v2(file_.c_str(), &database_, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  try {
    check(code);
    sqlite3_busy_timeout(database_, kBusyMs);
    script("PRAGMA foreign_keys = ON; PRAGMA mmap_size = 4294967296; PRAGMA cache_size = -32768");
    static int exact = 0;
    for (const auto& [name, data] : {std::pair<const char*, void*>{"contains", nullptr}, {"matches", &exact}})
      check(sqlite3_create_function(database_, name, -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, data, find_text, nullptr,
                                    nullptr));
    query("SELECT count(*) FROM sqlite_master").run();  // reads the header: is it a database?
    if (mode != Mode::read) script("PRAGMA page_size = 32768; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  } catch (...) {
    for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
    sqlite3_close(database_);
    throw;
  }
}

Database::~Database() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

void Database::check(int code) const {
  if (code == SQLITE_OK) return;
  fail(code, database_ != nullptr ? sqlite3_errmsg(database_) : sqlite3_errstr(code), file_);
}

Statement Database::prepare(std::string_view sql) {
  if (const auto found = idle_.find(std::string(sql)); found != idle_.end()) {
    sqlite3_stmt* const statement = found->second;
    idle_.erase(found);
    return {*this, statement};
  }
  sqlite3_stmt* statement = nullptr;
  check(sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                           nullptr));
  return {*this, statement};
}

void Database::script(const std::string& sql) {
  check(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr));
}

std::int64_t Database::last_id() const {
  return sqlite3_last_insert_rowid(database_);
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(database_);
}

void Database::transaction(const std::function<void()>& body) {
  script("BEGIN IMMEDIATE");
  try {
    body();
    script("COMMIT");
  } catch (...) {
    roll_back();
    throw;
  }
}

void Database::roll_back() {
  sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace genrewise
