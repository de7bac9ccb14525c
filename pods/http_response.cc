#include "pods/http_response.h"

#include <http_parser.h>

#include <algorithm>

#include "base/text.h"

namespace kpod::pods {

namespace {

constexpr int kMostInterim = 5;         // 1xx responses before the one that counts, as in Go
constexpr size_t kMostFirstLine = 128;  // shown in an error
constexpr const char* kBroken = "net/http: HTTP/1.x transport connection broken: ";

}  // namespace

struct HttpResponse::State {
  http_parser parser{};
  std::string first_line, field, location, body;
  bool first_line_ended = false;
  bool field_ended = false;     // its value has begun
  bool location_ended = false;  // the first one counts
  bool has_headers = false;
  bool complete = false;
  int interim = 0;

  bool IsInterim() const { return parser.status_code / 100 == 1 && parser.status_code != 101; }

  static State& Of(http_parser* p) { return *static_cast<State*>(p->data); }

  static int OnField(http_parser* p, const char* at, size_t size) {
    State& me = Of(p);
    if (me.field_ended) {
      me.location_ended = me.location_ended || !me.location.empty();
      me.field.clear();
      me.field_ended = false;
    }
    me.field.append(at, size);
    return 0;
  }
  static int OnValue(http_parser* p, const char* at, size_t size) {
    State& me = Of(p);
    me.field_ended = true;
    if (!me.location_ended && me.field.size() == 8 && ToLower(me.field) == "location")
      me.location.append(at, size);
    return 0;
  }
  static int OnHeaders(http_parser* p) {
    State& me = Of(p);
    me.has_headers = !me.IsInterim();
    // 1: no body follows, whatever its headers say (RFC 9112, 6.3).
    return me.IsInterim() || p->status_code == 204 || p->status_code == 304 ? 1 : 0;
  }
  static int OnBody(http_parser* p, const char* at, size_t size) {
    State& me = Of(p);
    me.body.append(at, std::min(size, kMostBody - me.body.size()));
    if (me.body.size() == kMostBody) me.Complete();
    return 0;
  }
  static int OnMessage(http_parser* p) {
    State& me = Of(p);
    if (me.has_headers) {
      me.Complete();
      return 0;
    }
    me.location.clear();
    return ++me.interim > kMostInterim ? 1 : 0;
  }

  void Complete() {
    complete = true;
    http_parser_pause(&parser, 1);
  }

  static const http_parser_settings& Callbacks() {
    static const http_parser_settings settings = [] {
      http_parser_settings s;
      http_parser_settings_init(&s);
      s.on_header_field = OnField;
      s.on_header_value = OnValue;
      s.on_headers_complete = OnHeaders;
      s.on_body = OnBody;
      s.on_message_complete = OnMessage;
      return s;
    }();
    return settings;
  }

  Error Broken() const {
    http_errno code = HTTP_PARSER_ERRNO(&parser);
    if (has_headers) return Error(http_errno_description(code));
    if (interim > kMostInterim)
      return Error(StrCat(kBroken, "net/http: too many 1xx informational responses"));
    if (code == HPE_HEADER_OVERFLOW)
      return Error(StrCat(kBroken, "net/http: server response headers exceeded ",
                          HTTP_MAX_HEADER_SIZE, " bytes; aborted"));
    if (code == HPE_INVALID_CONSTANT || code == HPE_INVALID_VERSION || code == HPE_INVALID_STATUS)
      return Error(StrCat(kBroken, "malformed HTTP response ", Quote(first_line)));
    return Error(StrCat(kBroken, "malformed MIME header: ", http_errno_description(code)));
  }
};

HttpResponse::HttpResponse() : state_(std::make_unique<State>()) {
  http_parser_init(&state_->parser, HTTP_RESPONSE);
  state_->parser.data = state_.get();
}

HttpResponse::~HttpResponse() = default;

Status HttpResponse::Feed(std::string_view bytes) {
  State& s = *state_;
  if (s.complete) return OkStatus();
  if (!s.first_line_ended) {
    size_t end = bytes.find('\n');
    s.first_line.append(Trim(bytes.substr(0, std::min(end, kMostFirstLine - s.first_line.size()))));
    s.first_line_ended = end != std::string_view::npos || s.first_line.size() == kMostFirstLine;
  }
  if (bytes.empty()) return OkStatus();  // to the parser that is the end
  http_parser_execute(&s.parser, &State::Callbacks(), bytes.data(), bytes.size());
  if (s.complete) return OkStatus();
  if (s.parser.upgrade != 0 && s.has_headers) {
    s.complete = true;
    return OkStatus();
  }
  if (HTTP_PARSER_ERRNO(&s.parser) != HPE_OK) return s.Broken();
  return OkStatus();
}

Status HttpResponse::End() {
  State& s = *state_;
  if (s.complete) return OkStatus();
  if (s.first_line.empty()) return Error("EOF");
  http_parser_execute(&s.parser, &State::Callbacks(), nullptr, 0);
  if (s.complete) return OkStatus();
  return Error("unexpected EOF");
}

bool HttpResponse::has_headers() const { return state_->has_headers; }
bool HttpResponse::complete() const { return state_->complete; }
int HttpResponse::status() const { return static_cast<int>(state_->parser.status_code); }
const std::string& HttpResponse::location() const { return state_->location; }
const std::string& HttpResponse::body() const { return state_->body; }

}  // namespace kpod::pods
