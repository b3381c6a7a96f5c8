// Every route on a made catalogue: normal use, edges and bad input.
#include <fstream>

#include "genrewise/audio/tags.hpp"
#include "genrewise/base/hash.hpp"
#include "server_fixture.hpp"

using namespace genrewise;
using namespace genrewise::testing;
using nlohmann::json;

namespace {

TEST_F(ServerTest, PredictsAnUploadAndKeepsItForAWhile) {
  start();
  const std::string wav = made_wav("noise", 50, 3);
  const Answer answer = post("/v1/predict", wav, "audio/wav", "X-Filename: a%2Fb%20%C3%A9.wav\r\n");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json found = answer.json();
  EXPECT_EQ(found["genres"][0]["genre"], "noise");
  EXPECT_EQ(found["genres"].size(), 3u);
  EXPECT_EQ(found["file"], "b é.wav");
  EXPECT_NEAR(found["duration_s"].get<double>(), 3, 0.01);
  EXPECT_EQ(found["windows"].size(), 1u);
  const std::string id = found["upload"];
  EXPECT_EQ(get("/v1/audio/upload/" + id).body, wav);
  EXPECT_EQ(post("/v1/predict", {{"upload", id}}).json()["genres"], found["genres"]);
  const json similar = get("/v1/similar?n=3&upload=" + id).json()["tracks"];
  ASSERT_EQ(similar.size(), 3u);
  for (const json& track : similar) EXPECT_EQ(track["predicted"], "noise");
  EXPECT_EQ(get("/v1/audio/upload/0123").status, 404);
}

TEST_F(ServerTest, PredictsATrackLikeTheCatalogue) {
  start();
  const std::string id = id_of("tones 1.wav");
  const json whole = get("/v1/library/tracks/" + id).json();
  const json found = post("/v1/predict", {{"track", std::stoi(id)}}).json();
  EXPECT_EQ(found["genres"][0]["genre"], whole["predicted"]);
  EXPECT_FALSE(found.contains("upload"));
  EXPECT_EQ(whole["segments"].size(), 1u);
  EXPECT_EQ(whole["probabilities"].size(), 3u);
}

TEST_F(ServerTest, PredictsInAJob) {
  start();
  const Answer started = post("/v1/predict?job=1", made_wav("clicks", 51, 3), "audio/wav");
  const json job = ended(started);
  EXPECT_EQ(job["state"], "done");
  EXPECT_EQ(job["result"]["genres"][0]["genre"], "clicks");
  EXPECT_EQ(job["result"]["upload"], started.json()["upload"]);
  Client client(port_);
  client.send("GET /v1/jobs/" + job["id"].get<std::string>() +
              "/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_NE(client.rest().find("event: end\ndata: {"), std::string::npos);
}

TEST_F(ServerTest, ExplainsAudioThatCannotBeUsed) {
  start();
  const Answer answer = post("/v1/predict", "this is no audio", "audio/mpeg", "X-Filename: song.mp3\r\n");
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.code(), "unusable_audio");
  EXPECT_EQ(answer.json()["error"]["where"], "song.mp3");
  const json job = ended(post("/v1/predict?job=1", "this is no audio", "audio/mpeg"));
  EXPECT_EQ(job["state"], "failed");
  EXPECT_EQ(job["error"]["code"], "unusable_audio");
}

TEST_F(ServerTest, RefusesUploadsThatAreTooLargeOrEmpty) {
  settings_.uploads.bytes = 1000;
  start();
  EXPECT_EQ(post("/v1/predict", std::string(1001, 'a'), "audio/wav").status, 413);
  EXPECT_EQ(post("/v1/predict", "", "audio/wav").status, 400);
  const std::string chunked =
      "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nX-Genrewise: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string body;
  for (int i = 0; i < 20; ++i) body += "64\r\n" + std::string(100, 'a') + "\r\n";
  EXPECT_EQ(send(chunked + body + "0\r\n\r\n").status, 413);
  // A client that waits for leave is answered before it sends anything.
  EXPECT_EQ(send("POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nX-Genrewise: 1\r\nExpect: 100-continue\r\n"
                 "Content-Length: 5000000\r\n\r\n")
                .status,
            413);
  EXPECT_EQ(send("POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nX-Genrewise: 1\r\nExpect: 100-continue\r\n"
                 "Content-Length: 4\r\n\r\nabcd")
                .status,
            422);
}

TEST_F(ServerTest, KeepsAsManyUploadsAsAllowed) {
  settings_.uploads.kept = 2;
  start();
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(post("/v1/predict", made_wav("noise", i, 1), "audio/wav").json()["upload"]);
  EXPECT_EQ(get("/v1/audio/upload/" + ids[0]).status, 404);
  EXPECT_EQ(get("/v1/audio/upload/" + ids[2]).status, 200);
}

TEST_F(ServerTest, EmbedsWithNamesOfTheColumns) {
  start();
  const json found = post("/v1/embed", made_wav("noise", 1, 3), "audio/wav").json();
  EXPECT_EQ(found["features"]["name"], "mfcc");
  EXPECT_EQ(found["values"].size(), found["columns"].size());
}

TEST_F(ServerTest, SendsRangesOfAFile) {
  start();
  const std::string path = "/v1/audio/track/" + id_of("clicks 0.wav");
  const Answer whole = get(path);
  EXPECT_EQ(whole.headers.at("content-type"), "audio/wav");
  EXPECT_EQ(whole.headers.at("accept-ranges"), "bytes");
  const std::string size = std::to_string(whole.body.size());
  const auto part = [&](const std::string& range) { return get(path, "Range: bytes=" + range + "\r\n"); };
  EXPECT_EQ(part("10-19").status, 206);
  EXPECT_EQ(part("10-19").body, whole.body.substr(10, 10));
  EXPECT_EQ(part("10-19").headers.at("content-range"), "bytes 10-19/" + size);
  EXPECT_EQ(part("-4").body, whole.body.substr(whole.body.size() - 4));
  EXPECT_EQ(part("100-").body, whole.body.substr(100));
  EXPECT_EQ(part("0-99999999").body, whole.body);
  EXPECT_EQ(part(size + "-").status, 416);
  EXPECT_EQ(part(size + "-").headers.at("content-range"), "bytes */" + size);
  EXPECT_EQ(part("5-2").status, 200);
  EXPECT_EQ(part("0-1,3-4").status, 200);
  EXPECT_EQ(get(path, "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n").status, 200);
  EXPECT_EQ(get(path, "If-None-Match: " + whole.headers.at("etag") + "\r\n").status, 304);
}

TEST_F(ServerTest, ReadsNoFileOutsideTheFoldersOfTheLibrary) {
  write_file(folder_ / "secret.wav", made_wav("noise", 1, 1));
  start();
  const std::string id = id_of("clicks 0.wav");
  std::filesystem::remove(music_ / "clicks 0.wav");
  std::filesystem::create_symlink(folder_ / "secret.wav", music_ / "clicks 0.wav");
  for (const std::string& path : {"/v1/audio/track/" + id, "/v1/waveform/track/" + id})
    EXPECT_EQ(get(path).status, 403);
  EXPECT_EQ(post("/v1/predict", {{"track", std::stoi(id)}}).status, 403);
  const json plan = post("/v1/library/tags/plan", {{"tracks", {std::stoi(id)}}}).json();
  EXPECT_EQ(plan["total"], 0);
  EXPECT_EQ(plan["skipped"].size(), 1u);
  for (const char* path : {"/v1/audio/track/..%2f..%2fsecret.wav", "/v1/audio/track/%2fetc%2fpasswd",
                           "/assets/..%2f..%2fCMakeLists.txt", "/assets/../server.hpp", "/v1/audio/upload/..%2fx"})
    EXPECT_EQ(get(path).status, 404) << path;
}

TEST_F(ServerTest, DrawsTheWaveform) {
  start();
  const json found = get("/v1/waveform/track/" + id_of("tones 0.wav") + "?points=50").json();
  ASSERT_EQ(found["min"].size(), 50u);
  EXPECT_NEAR(found["duration_s"].get<double>(), 3, 0.01);
  for (int i = 0; i < 50; ++i) {
    EXPECT_LT(found["min"][i], -0.05);
    EXPECT_GT(found["max"][i], 0.05);
  }
  EXPECT_EQ(get("/v1/waveform/track/1?points=0").status, 400);
  EXPECT_EQ(get("/v1/waveform/track/999").status, 404);
}

TEST_F(ServerTest, ListsTracksAPageAtATime) {
  start();
  const json all = get("/v1/library/tracks?sort=path").json();
  EXPECT_EQ(all["total"], 9);
  const json page = get("/v1/library/tracks?sort=path&limit=2&offset=3").json();
  EXPECT_EQ(page["tracks"].size(), 2u);
  EXPECT_EQ(page["tracks"][0], all["tracks"][3]);
  EXPECT_FALSE(page["tracks"][0].contains("probabilities"));
  EXPECT_EQ(get("/v1/library/tracks?q=genre%3Anoise").json()["total"], 3);
  EXPECT_EQ(tracks("?sort=path&descending=1")[0], all["tracks"][8]);
  EXPECT_EQ(tracks("?offset=100").size(), 0u);
  EXPECT_EQ(tracks("?sort=random&seed=1&limit=4&offset=2")[0], tracks("?sort=random&seed=1")[2]);
  EXPECT_EQ(get("/v1/library/tracks?q=gener%3Arock").status, 400);
  EXPECT_EQ(get("/v1/library/tracks?sort=colour").status, 400);
  EXPECT_EQ(get("/v1/library/tracks?limit=x").status, 400);
}

TEST_F(ServerTest, ShowsTheLibrary) {
  start();
  const json library = get("/v1/library").json();
  EXPECT_EQ(library["tracks"], 9);
  EXPECT_EQ(library["genres"][0]["tracks"], 3);
  EXPECT_EQ(library["model"]["name"], "m.gwm");
  const json groups = get("/v1/library/groups?per=album").json();
  EXPECT_EQ(groups["total"], 2);
  EXPECT_EQ(groups["groups"][0]["ids"].size(), groups["groups"][0]["tracks"]);
  EXPECT_EQ(groups["groups"][1]["folder"], (music_ / "sub").string());
  EXPECT_EQ(get("/v1/library/groups?per=year").status, 400);
  const json map = get("/v1/library/map").json();
  EXPECT_EQ(map["tracks"].size(), 9u);
  EXPECT_EQ(map["genres"], (json{"clicks", "noise", "tones"}));
  for (int i = 0; i < 9; ++i) {
    EXPECT_LE(std::abs(map["x"][i].get<double>()), 1);
    const json track = get("/v1/library/tracks/" + map["tracks"][i].dump()).json();
    EXPECT_EQ(map["genres"][map["genre"][i].get<std::size_t>()], track["genre"]);
  }
}

TEST_F(ServerTest, CorrectsAGenreAndTellsClientsThatTheListIsAnother) {
  start();
  const std::string id = id_of("noise 0.wav"), tag = get("/v1/library").headers.at("etag");
  EXPECT_EQ(get("/v1/library", "If-None-Match: " + tag + "\r\n").status, 304);
  EXPECT_EQ(post("/v1/library/tracks/" + id + "/correct", {{"genre", "Jazz"}}).status, 200);
  EXPECT_EQ(get("/v1/library", "If-None-Match: " + tag + "\r\n").status, 200);
  EXPECT_EQ(get("/v1/library/tracks/" + id).json()["genre"], "Jazz");
  EXPECT_EQ(post("/v1/library/correct", {{"tracks", {std::stoi(id)}}, {"genre", nullptr}}).json()["corrected"], 1);
  EXPECT_EQ(get("/v1/library/tracks/" + id).json()["genre"], "noise");
  EXPECT_EQ(post("/v1/library/correct", {{"tracks", {999}}, {"genre", "Jazz"}}).status, 404);
  EXPECT_EQ(post("/v1/library/correct", {{"tracks", "all"}, {"genre", "Jazz"}}).status, 400);
  EXPECT_EQ(post("/v1/library/correct", {{"tracks", {1}}}).status, 400);
  EXPECT_EQ(post("/v1/library/correct", {{"tracks", {1}}, {"genre", "Acid\nJazz"}}).status, 400);
  EXPECT_EQ(post("/v1/library/correct", std::string("{"), "application/json").status, 400);
  EXPECT_EQ(post("/v1/library/correct", std::string("[]"), "application/json").status, 400);
  EXPECT_EQ(post("/v1/library/correct", std::string("{}"), "text/plain").status, 415);
  EXPECT_EQ(post("/v1/library/correct", std::string(100000, '['), "application/json").status, 400);
}

TEST_F(ServerTest, TellsClientsThatOnlyWhatIsThereIsUnchanged) {
  start();
  const std::string any = "If-None-Match: *\r\n";
  EXPECT_EQ(get("/v1/library/tracks?q=genre%3Anoise", any).status, 304);
  EXPECT_EQ(get("/v1/library/tracks/" + id_of("noise 0.wav"), any).status, 304);
  EXPECT_EQ(get("/v1/library/tracks/999", any).status, 404);
  EXPECT_EQ(get("/v1/library/tracks?q=gener%3Arock", any).status, 400);
  EXPECT_EQ(get("/v1/library/groups?per=year", any).status, 400);
  // What has an age changes with time.
  for (const char* path : {"/v1/library/tracks?q=added%3A%3C1h", "/v1/library/groups?q=added%3A%3C1h"}) {
    const Answer answer = get(path, any);
    EXPECT_EQ(answer.status, 200);
    EXPECT_FALSE(answer.headers.contains("etag"));
  }
}

TEST_F(ServerTest, SaysThatAnotherProgramWritesTheCatalogue) {
  start();
  const Catalogue other(file_, Catalogue::Access::write);
  for (const Answer& answer :
       {post("/v1/library/tracks/1/correct", {{"genre", "Jazz"}}), post("/v1/library/scan", json::object())}) {
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.code(), "catalogue_busy");
  }
  EXPECT_EQ(get("/v1/library").status, 200);
}

TEST_F(ServerTest, ChangesNothingIfItIsReadOnly) {
  settings_.read_only = true;
  start();
  EXPECT_EQ(post("/v1/library/tracks/1/correct", {{"genre", "Jazz"}}).status, 403);
  EXPECT_EQ(post("/v1/library/scan", json::object()).status, 403);
  EXPECT_EQ(post("/v1/library/tags/plan", json::object()).status, 403);
  EXPECT_EQ(post("/v1/predict", made_wav("noise", 1, 1), "audio/wav").status, 200);
}

TEST_F(ServerTest, ListsSimilarTracks) {
  start();
  const json found = get("/v1/similar?n=2&track=" + id_of("clicks 0.wav")).json()["tracks"];
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0]["predicted"], "clicks");
  EXPECT_GE(found[0]["similarity"], found[1]["similarity"]);
  EXPECT_EQ(get("/v1/similar").status, 400);
  EXPECT_EQ(get("/v1/similar?track=999").status, 404);
  EXPECT_EQ(get("/v1/similar?upload=999").status, 404);
}

TEST_F(ServerTest, SaysThatFeaturesOfTheLibraryCannotBeExtracted) {
  Catalogue(file_, Catalogue::Access::write).database().run("UPDATE recipes SET name = 'other'");
  start();
  const std::string upload = post("/v1/predict", made_wav("noise", 1, 3), "audio/wav").json()["upload"];
  EXPECT_EQ(get("/v1/similar?upload=" + upload).status, 409);
}

TEST_F(ServerTest, NamesTracksThatCannotServeARequest) {
  write_file(music_ / "broken.wav", "RIFF");
  make("line\nbreak.wav", "noise");
  catalogue_.emplace(file_, Catalogue::Access::write);
  scan();
  catalogue_.reset();
  start();
  const std::string broken = id_of("broken.wav");
  EXPECT_EQ(get("/v1/similar?track=" + broken).status, 400);
  EXPECT_NE(post("/v1/playlists", "{\"start\": " + broken + "}").body.find("no features"), std::string::npos);
  EXPECT_NE(post("/v1/playlists", json::object()).body.find("line break"), std::string::npos);
  EXPECT_EQ(post("/v1/playlists", {{"start", 999}, {"q", "genre:Polka"}}).status, 404);
}

TEST_F(ServerTest, MakesPlaylists) {
  start();
  const Answer m3u = post("/v1/playlists", {{"q", "genre:noise"}, {"title", "Lärm"}});
  ASSERT_EQ(m3u.status, 200) << m3u.body;
  EXPECT_EQ(m3u.body.substr(0, 8), "#EXTM3U\n");
  EXPECT_NE(m3u.body.find((music_ / "sub/noise 0.wav").string()), std::string::npos);
  EXPECT_NE(m3u.body.find("\n#PLAYLIST:Lärm\n"), std::string::npos);
  EXPECT_EQ(m3u.headers.at("content-disposition"), "attachment; filename=\"playlist.m3u8\"");
  EXPECT_NE(post("/v1/playlists", {{"format", "xspf"}}).body.find("<trackList>"), std::string::npos);
  const json preview = post("/v1/playlists?preview=1", {{"limit", 2}, {"smooth", true}}).json();
  EXPECT_EQ(preview["tracks"].size(), 2u);
  EXPECT_NEAR(preview["duration_s"].get<double>(), 6, 0.1);
  EXPECT_EQ(post("/v1/playlists", {{"q", "genre:Polka"}}).status, 409);
  EXPECT_EQ(post("/v1/playlists", {{"format", "pls"}}).status, 400);
  EXPECT_EQ(post("/v1/playlists", {{"title", std::string(201, 'x')}}).status, 400);
}

TEST_F(ServerTest, WritesTagsAndRestoresEveryByte) {
  start();
  const auto file = music_ / "sub/tones 0.wav";
  const std::string before = sha256_hex(read_file(file));
  const json plan = post("/v1/library/tags/plan", {{"q", "genre:tones"}}).json();
  EXPECT_EQ(plan["total"], 3);
  EXPECT_EQ(plan["changes"][0]["after"], json{"tones"});
  EXPECT_EQ(read_tags(file).value().genres.size(), 0u);
  const json applied = ended(post("/v1/library/tags/apply", {{"plan", plan["plan"]}}));
  EXPECT_EQ(applied["state"], "done") << applied;
  EXPECT_EQ(applied["result"]["changes"], 3);
  EXPECT_EQ(read_tags(file).value().genres, std::vector<std::string>{"tones"});
  EXPECT_EQ(post("/v1/library/tags/apply", {{"plan", plan["plan"]}}).status, 404);  // once
  const json history = get("/v1/library/tags/history").json()["batches"];
  EXPECT_EQ(history[0]["files"], 3);
  EXPECT_EQ(get("/v1/library/tags/history/1").json()["changes"][0]["state"], "written");
  const json undone = ended(post("/v1/library/tags/undo", {{"batch", history[0]["batch"]}}));
  EXPECT_EQ(undone["result"]["changes"], 3);
  EXPECT_EQ(sha256_hex(read_file(file)), before);
  EXPECT_EQ(get("/v1/library/tags/history/99").status, 400);
  EXPECT_EQ(post("/v1/library/tags/plan", {{"mode", "all"}}).status, 400);
}

TEST_F(ServerTest, KeepsAPlanThatCannotBeAppliedNow) {
  start();
  const json plan = {{"plan", post("/v1/library/tags/plan", {{"q", "genre:tones"}}).json()["plan"]}};
  {
    const Catalogue other(file_, Catalogue::Access::write);
    EXPECT_EQ(post("/v1/library/tags/apply", plan).status, 409);
  }
  Database writer(file_, Database::Mode::write);
  writer.script("BEGIN IMMEDIATE");  // for which the first scan waits, and the others for that
  for (int i = 0, status = 202; i < 100 && status == 202; ++i) status = post("/v1/library/scan", json::object()).status;
  EXPECT_EQ(post("/v1/library/tags/apply", plan).status, 429);
  writer.script("ROLLBACK");
  const json jobs = get("/v1/jobs").json()["jobs"];
  for (const json& job : jobs) send(with_body("DELETE", "/v1/jobs/" + job["id"].get<std::string>(), ""));
  EXPECT_EQ(ended(post("/v1/library/tags/apply", plan))["state"], "done");
}

TEST_F(ServerTest, ScansFoldersThatTheLibraryHas) {
  start();
  make("new.wav", "noise", 9);
  const json job = ended(post("/v1/library/scan", json::object()));
  EXPECT_EQ(job["state"], "done") << job;
  EXPECT_EQ(job["result"]["added"], 1);
  EXPECT_EQ(get("/v1/library").json()["tracks"], 10);
  EXPECT_EQ(post("/v1/library/scan", {{"roots", {"/etc"}}}).status, 400);
}

TEST_F(ServerTest, CancelsJobs) {
  start();
  EXPECT_EQ(get("/v1/jobs/1").status, 404);
  EXPECT_EQ(get("/v1/jobs/x").status, 404);
  for (int i = 0; i < 30; ++i) make("more/" + std::to_string(i) + ".wav", "noise", 100 + i);
  const std::string id = post("/v1/library/scan", json::object()).json()["job"];
  const std::string waiting = post("/v1/library/scan", json::object()).json()["job"];
  EXPECT_EQ(send(with_body("DELETE", "/v1/jobs/" + waiting, "")).status, 200);
  EXPECT_EQ(get("/v1/jobs/" + waiting).json()["state"], "cancelled");
  send(with_body("DELETE", "/v1/jobs/" + id, ""));
  for (int i = 0; i < 500 && get("/v1/jobs/" + id).json()["state"] == "running"; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_NE(get("/v1/jobs/" + id).json()["state"], "running");
  EXPECT_EQ(get("/v1/jobs").json()["jobs"].size(), 2u);
  EXPECT_EQ(ended(post("/v1/library/scan", json::object()))["state"], "done");  // the catalogue is whole
  EXPECT_EQ(get("/v1/library").json()["tracks"], 39);
}

TEST_F(ServerTest, AnswersWithoutALibrary) {
  settings_.library.clear();
  start();
  EXPECT_EQ(get("/v1/health").json()["library"], false);
  const Answer answer = get("/v1/library");
  EXPECT_EQ(answer.status, 404);
  EXPECT_NE(answer.json()["error"]["remedy"].get<std::string>().find("library scan"), std::string::npos);
  EXPECT_EQ(post("/v1/predict", made_wav("noise", 1, 1), "audio/wav").status, 200);
}

TEST_F(ServerTest, ExplainsAModelThatCannotBeUsed) {
  settings_.model = folder_ / "none.gwm";
  start();
  const Answer answer = post("/v1/predict", made_wav("noise", 1, 1), "audio/wav");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body.find(folder_.path().string()), std::string::npos);
  EXPECT_NE(get("/v1/health").json()["model_error"], "");
}

TEST_F(ServerTest, ShowsRunsAndTheCurvesOfTheirTrainings) {
  settings_.runs = folder_ / "runs";
  make_folders(folder_ / "runs/group/net/networks/cnn/final");
  write_file(folder_ / "runs/group/net/config.json", "{}");
  write_file(folder_ / "runs/group/net/networks/cnn/final/curves.csv",
             "epoch,learning_rate,training_loss,validation_loss\n1,0.1,2.5,\n2,0.1,1.5,1.75\n");
  make_folders(folder_ / "secret");
  write_file(folder_ / "secret/config.json", "{}");
  std::filesystem::create_directory_symlink(folder_ / "secret", folder_ / "runs/link");
  start();
  const json runs = get("/v1/runs").json()["runs"];
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0]["name"], "group/net");
  EXPECT_EQ(runs[0]["state"], "unfinished");
  const json curves = get("/v1/runs/group%2Fnet/curves").json()["curves"];
  EXPECT_EQ(curves[0]["name"], "networks/cnn/final");
  EXPECT_EQ(curves[0]["points"][1]["validation_loss"], 1.75);
  EXPECT_TRUE(curves[0]["points"][0]["validation_loss"].is_null());
  EXPECT_EQ(get("/v1/runs/group%2Fnet/report").status, 409);
  Client client(port_);
  client.send("GET /v1/runs/group%2Fnet/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string events = client.rest();
  EXPECT_NE(events.find("event: point"), std::string::npos);
  EXPECT_NE(events.find("event: end\ndata: {\"state\":\"unfinished\"}"), std::string::npos);
  for (const char* name : {"link", "..%2Fsecret", "group%2F..%2F..%2Fsecret", "%2Fetc", "group", ".", "none"})
    EXPECT_EQ(get("/v1/runs/" + std::string(name) + "/curves").status, 404) << name;
}

TEST_F(ServerTest, InspectsDatasets) {
  make_music(folder_ / "data", 3, 2);
  write_file(folder_ / "data/noise/broken.wav", "no audio");
  settings_.datasets = {(folder_ / "data").string() + "/"};
  start();
  EXPECT_EQ(get("/v1/data").json()["datasets"][0]["name"], "data");
  EXPECT_EQ(get("/v1/data/data").status, 409);
  EXPECT_EQ(ended(post("/v1/data/data/inspect", json::object()))["state"], "done");
  const json found = get("/v1/data/data").json();
  EXPECT_EQ(found["clips"], 10);
  ASSERT_GE(found["findings"].size(), 1u);
  const std::string clip = std::to_string(found["findings"][0]["clip"].get<int>());
  EXPECT_EQ(get("/v1/audio/clip/data/" + clip).body, "no audio");
  EXPECT_EQ(get("/v1/audio/clip/data/99").status, 404);
  EXPECT_EQ(get("/v1/data/other").status, 404);
}

TEST_F(ServerTest, NamesDatasetsByTheirFolders) {
  settings_.datasets = {(folder_ / "music").string() + "/.", "/", "s3://bucket/table/"};
  start();
  const json datasets = get("/v1/data").json()["datasets"];
  ASSERT_EQ(datasets.size(), 3u);
  EXPECT_EQ(datasets[0]["name"], "music");
  EXPECT_EQ(datasets[1]["name"], "data");
  EXPECT_EQ(datasets[2]["name"], "table");
}

TEST_F(ServerTest, CountsForPrometheus) {
  start();
  get("/v1/library");
  get("/v1/library/tracks/999");
  const std::string text = get("/metrics").body;
  EXPECT_NE(text.find("genrewise_http_requests_total{method=\"GET\",route=\"/v1/library\",status=\"200\"} 1\n"),
            std::string::npos);
  EXPECT_NE(text.find("route=\"/v1/library/tracks/{id}\",status=\"404\"} 1\n"), std::string::npos);
}

TEST_F(ServerTest, StopsAlthoughClientsAreConnected) {
  start();
  Client idle(port_), half(port_);
  half.send("GET /v1/health HTT");
  const auto begin = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
  EXPECT_TRUE(idle.is_closed());
}

}  // namespace
