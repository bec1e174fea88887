/* SPDX-License-Identifier: MIT */
/* Reading the configuration: what is good, and where and how the rest is told. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends.h"
#include "config.h"
#include "environment.h"
#include "postgresql.h"
#include "sqlite.h"
#include "watch.h"

/* As a plugin's might be. */
static const struct weir_setting lines_settings[] = {
    {"host", WEIR_SETTING_STRING, 0, 0, 0, NULL, "a server"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};
static const struct weir_driver lines_driver = {.abi = WEIR_DRIVER_ABI,
                                                .name = "lines",
                                                .settings = lines_settings,
                                                .min_size = 1,
                                                .max_size = 1};

const struct weir_driver *const backend_drivers[] = {&postgresql_driver, &sqlite_driver,
                                                     &lines_driver, NULL};
const struct weir_sink *const backend_sinks[] = {&postgresql_sink, &sqlite_sink, NULL};

static char directory[64];
static struct problems problems;
static struct config *config;

static void write_file(const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(text, file) >= 0);
    CHECK_INT(fclose(file), 0);
}

static const char connections[] = "{ \"my_postgres_connection\": { \"type\": \"postgresql\", "
                                  "\"host\": \"localhost\", \"port\": 5432,\n"
                                  "    \"database\": \"webhooks\", \"user\": \"webhook_user\", "
                                  "\"password\": \"secure_password\",\n"
                                  "    \"pool_min_size\": 2, \"pool_max_size\": 10 } }";
static const char webhooks[] = "{ \"webhooks\": [ { \"path\": \"/webhook/example\",\n"
                               "    \"modules\": [ { \"type\": \"postgresql\", \"connection\": "
                               "\"my_postgres_connection\" } ] } ] }";

static int load(const char *c, const char *w, const char *s)
{
    char command[128];

    snprintf(directory, sizeof(directory), "/tmp/weir-config-XXXXXX");
    CHECK(mkdtemp(directory) != NULL);
    write_file("connections.json", c);
    write_file("webhooks.json", w);
    if (s != NULL)
        write_file("server.json", s);
    problems_init(&problems);
    int status = config_load(directory, &config, &problems);
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    CHECK_INT(system(command), 0);
    return status;
}

static void let_go(void)
{
    config_unref(&config);
    problems_fini(&problems);
}

static void the_documented_files_load_unchanged(void)
{
    CHECK_INT(load(connections, webhooks, NULL), 0);
    CHECK_INT(problems.count, 0);
    const struct config_webhook *webhook = config_webhook_find(config, "/webhook/example", 16);
    CHECK(webhook != NULL);
    CHECK_STRING(webhook->id, "example");
    CHECK_INT(webhook->modules_count, 1);
    CHECK_STRING(webhook->modules[0].connection->name, "my_postgres_connection");
    CHECK_INT(webhook->modules[0].connection->max_size, 10);
    CHECK(config_webhook_find(config, "/webhook/exampl", 15) == NULL);
    CHECK(config_webhook_find(config, "/webhook/example/", 17) == NULL);
    CHECK_STRING(config->server.listen, "127.0.0.1:8000");
    CHECK_INT(config->server.body_max, 1 << 20);
    let_go();
}

/* One problem, exactly there, whose message holds the text. */
static void check_problem(const char *file, unsigned line, const char *pointer, const char *text)
{
    CHECK_INT(problems.count, 1);
    CHECK_STRING(problems.items[0].file, file);
    CHECK_INT(problems.items[0].line, line);
    if (pointer != NULL)
        CHECK_STRING(problems.items[0].pointer, pointer);
    if (strstr(problems.items[0].message, text) == NULL)
        CHECK_STRING(problems.items[0].message, text);
    let_go();
}

static void a_syntax_error_has_its_line(void)
{
    CHECK(load("{\n\"a\": {\n]", webhooks, NULL) != 0);
    check_problem("connections.json", 3, NULL, "");
}

static void a_duplicate_key_is_refused(void)
{
    CHECK(load("{\"a\":{\"type\":\"sqlite\",\"path\":\"/x\",\"path\":\"/y\"}}", "{\"webhooks\":[]}",
               NULL) != 0);
    check_problem("connections.json", 1, NULL, "duplicate");
}

static void an_unknown_key_names_the_nearest(void)
{
    CHECK(load("{\"a/b\":{\"type\":\"sqlite\",\"path\":\"/x\",\n\"idle_timout\":3}}",
               "{\"webhooks\":[]}", NULL) != 0);
    check_problem("connections.json", 2, "/a~1b/idle_timout", "idle_timeout");
}

static void an_unknown_type_and_connection_are_told(void)
{
    CHECK(load("{\"a\":{\"type\":\"postgre\"}}", "{\"webhooks\":[]}", NULL) != 0);
    check_problem("connections.json", 1, "/a/type", "postgre");
    CHECK(load(connections,
               "{\"webhooks\":[{\"path\":\"/x\",\"modules\":[{\"type\":\"postgresql\","
               "\"connection\":\"my_postgre_connection\"}]}]}",
               NULL) != 0);
    check_problem("webhooks.json", 1, "/webhooks/0/modules/0/connection", "my_postgres_connection");
}

static void a_module_must_suit_its_connection(void)
{
    CHECK(load(connections,
               "{\"webhooks\":[{\"path\":\"/x\",\"modules\":[{\"type\":\"sqlite\","
               "\"connection\":\"my_postgres_connection\"}]}]}",
               NULL) != 0);
    check_problem("webhooks.json", 1, "/webhooks/0/modules/0/connection", "postgresql");
}

static void a_table_must_be_an_identifier(void)
{
    CHECK(load(connections,
               "{\"webhooks\":[{\"path\":\"/x\",\"modules\":[{\"type\":\"postgresql\","
               "\"connection\":\"my_postgres_connection\",\n\"table\":\"a;b\"}]}]}",
               NULL) != 0);
    check_problem("webhooks.json", 2, "/webhooks/0/modules/0/table", "table");
}

static void paths_are_checked(void)
{
    static const char *const bad[] = {"x", "/healthz", "/admin/x", "/a b", "/a?b", "/\\u00e9"};
    char text[256];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text),
                 "{\"webhooks\":[{\"path\":\"%s\",\"modules\":[{\"type\":\"postgresql\","
                 "\"connection\":\"my_postgres_connection\"}]}]}",
                 bad[i]);
        CHECK(load(connections, text, NULL) != 0);
        check_problem("webhooks.json", 1, "/webhooks/0/path", "");
    }
}

static void server_keys_are_bounded(void)
{
    CHECK_INT(load(connections, webhooks,
                   "{\"listen\":\"[::1]:0\",\"limits\":{\"batch\":1,\"body_timeout\":0.5},"
                   "\"log\":{\"format\":\"json\",\"level\":\"debug\"}}"),
              0);
    CHECK_INT(config->server.batch_max, 1);
    CHECK_INT(config->server.body_timeout, 500000000);
    CHECK_INT(config->server.log_format, LOG_JSON);
    let_go();
    CHECK(load(connections, webhooks, "{\"limits\":{\"batch\":257}}") != 0);
    check_problem("server.json", 1, "/limits/batch", "256");
    CHECK(load(connections, webhooks, "{\"listen\":\"nowhere\"}") != 0);
    check_problem("server.json", 1, "/listen", "host:port");
    CHECK(load(connections, webhooks, "{\"request_timeout\":0}") != 0);
    check_problem("server.json", 1, "/request_timeout", "above 0");
}

/* What the drivers are told of it; an empty string is no such setting. */
static void check_outbound(const char *server, const char *allow, const char *deny, int local)
{
    CHECK_INT(load(connections, webhooks, server), 0);
    const struct weir_settings *settings = config->connections[0].settings;
    CHECK_STRING(weir_settings_string(settings, "allow_addresses", ""), allow);
    CHECK_STRING(weir_settings_string(settings, "deny_addresses", ""), deny);
    CHECK_INT(weir_settings_has(settings, "allow_unix"), local >= 0);
    CHECK_INT(weir_settings_boolean(settings, "allow_unix", false), local > 0);
    let_go();
}

static void outbound_becomes_settings(void)
{
    check_outbound(NULL, "", "", -1);
    check_outbound("{}", "", "", -1);
    check_outbound("{\"outbound\":{}}", "", "", -1);
    check_outbound("{\"outbound\":{\"deny\":[]}}", "", "", -1);
    check_outbound("{\"outbound\":{\"allow\":[\"10.20.0.0/16\",\"2001:db8::1\"],"
                   "\"deny\":[\"10.20.1.0/24\"],\"unix\":true}}",
                   "10.20.0.0/16 2001:db8::1", "10.20.1.0/24", 1);
    check_outbound("{\"outbound\":{\"unix\":false}}", "", "", 0);
}

static void a_wrong_outbound_is_told(void)
{
    static const struct {
        const char *server, *pointer, *text;
    } rows[] = {
        {"{\"outbound\":[]}", "/outbound", "must be an object"},
        {"{\"outbound\":null}", "/outbound", "must be an object"},
        {"{\"outbound\":{\"denied\":[]}}", "/outbound/denied", "did you mean deny"},
        {"{\"outbound\":{\"deny\":\"10.0.0.0/8\"}}", "/outbound/deny", "must be an array"},
        {"{\"outbound\":{\"deny\":[\"::1\",\"10.0.0.1/8\"]}}", "/outbound/deny/1",
         "10.0.0.1/8 has bits set behind its prefix"},
        {"{\"outbound\":{\"deny\":[\"10.0.0.0/8 ::1\"]}}", "/outbound/deny/0", "0 to 32 bits"},
        {"{\"outbound\":{\"deny\":[7]}}", "/outbound/deny/0", "string"},
        {"{\"outbound\":{\"allow\":[\"localhost\"]}}", "/outbound/allow/0",
         "localhost is not an address or a network"},
        {"{\"outbound\":{\"allow\":[]}}", "/outbound/allow", "must not be empty"},
        {"{\"outbound\":{\"unix\":\"no\"}}", "/outbound/unix", "true or false"}};
    char many[8192];
    size_t len = (size_t)snprintf(many, sizeof(many), "{\"outbound\":{\"deny\":[\"10.0.0.0\"");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(load(connections, webhooks, rows[i].server) != 0);
        check_problem("server.json", 1, rows[i].pointer, rows[i].text);
    }
    for (unsigned i = 1; i <= 300; i++)
        len +=
            (size_t)snprintf(many + len, sizeof(many) - len, ",\"10.0.%u.%u\"", i / 256, i % 256);
    snprintf(many + len, sizeof(many) - len, "]}}");
    CHECK(load(connections, webhooks, many) != 0);
    check_problem("server.json", 1, "/outbound/deny/256", "at most 256 networks");
}

static void connections_cannot_say_what_they_may_reach(void)
{
    static const char *const keys[] = {"\"allow_addresses\":\"127.0.0.1\"",
                                       "\"deny_addresses\":\"127.0.0.1\"", "\"allow_unix\":true"};
    static const char *const pointers[] = {"/db/allow_addresses", "/db/deny_addresses",
                                           "/db/allow_unix"};
    char text[256];

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        snprintf(text, sizeof(text), "{\"db\":{\"type\":\"postgresql\",\"user\":\"u\",%s}}",
                 keys[i]);
        CHECK(load(text, "{\"webhooks\":[]}", NULL) != 0);
        check_problem("connections.json", 1, pointers[i], "is not for connections.json");
    }
}

/* SQLite has no host; what has one and knows nothing of lists cannot be held to them. */
static void a_driver_that_cannot_be_held_to_outbound_is_refused(void)
{
    static const char lines[] = "{\"db\":{\"type\":\"lines\",\"host\":\"x\"}}";
    static const char file[] = "{\"db\":{\"type\":\"sqlite\",\"path\":\"/x\"}}";
    static const char deny[] = "{\"outbound\":{\"deny\":[\"10.0.0.0/8\"]}}";

    CHECK_INT(load(lines, "{\"webhooks\":[]}", NULL), 0);
    let_go();
    CHECK_INT(load(file, "{\"webhooks\":[]}", deny), 0);
    CHECK(!weir_settings_has(config->connections[0].settings, "deny_addresses"));
    let_go();
    CHECK(load(lines, "{\"webhooks\":[]}", deny) != 0);
    check_problem("connections.json", 1, "/db/type", "lines cannot be held to outbound");
}

static void every_problem_is_told_at_once(void)
{
    CHECK(load("{\"a\":{\"type\":\"x\"},\"b\":{}}", "{\"webhooks\":[],\"more\":1}", "{\"x\":1}") !=
          0);
    CHECK_INT(problems.count, 4);
    let_go();
}

static void check_expansion(const char *text, const char *wanted, const char *wanted_missing)
{
    char missing[ENVIRONMENT_NAME_MAX + 1];
    char *out = environment_expand(text, missing);

    CHECK((out == NULL) == (wanted == NULL));
    if (wanted != NULL)
        CHECK_STRING(out, wanted);
    CHECK_STRING(missing, wanted_missing);
    free(out);
}

static void the_environment_is_expanded_once(void)
{
    CHECK_INT(setenv("WEIR_TEST", "a{$HOME}\xff", 1), 0);
    CHECK_INT(unsetenv("WEIR_NONE"), 0);
    check_expansion("<{$WEIR_TEST}>", "<a{$HOME}\xff>", "");
    check_expansion("{$WEIR_NONE:de:fault}", "de:fault", "");
    check_expansion("{$WEIR_NONE:}", "", "");
    check_expansion("{$WEIR_NONE}", NULL, "WEIR_NONE");
    check_expansion("{$WEIR_TEST", NULL, "WEIR_TEST");
    check_expansion("$5 {x} {", "$5 {x} {", "");
}

static void a_change_is_noticed_once_it_has_settled(void)
{
    struct watch *watch;
    int64_t next, now = 1000000000;
    char path[128], command[128];

    snprintf(directory, sizeof(directory), "/tmp/weir-watch-XXXXXX");
    CHECK(mkdtemp(directory) != NULL);
    write_file("connections.json", "{}");
    CHECK_INT(watch_open(&watch, directory), 0);
    CHECK(!watch_check(watch, now, &next));
    write_file("connections.json", "{ }");
    CHECK(!watch_check(watch, now, &next));
    CHECK_INT(next, now + WATCH_SETTLE);
    CHECK(watch_check(watch, now + WATCH_SETTLE, &next));
    CHECK(!watch_check(watch, now + 2 * WATCH_SETTLE, &next));
    snprintf(path, sizeof(path), "%s/connections.json", directory);
    CHECK_INT(unlink(path), 0);
    CHECK(!watch_check(watch, now + 3 * WATCH_SETTLE, &next));
    CHECK(!watch_check(watch, now + 9 * WATCH_SETTLE, &next));
    watch_close(&watch);
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    CHECK_INT(system(command), 0);
}

TEST_MAIN(TEST(the_documented_files_load_unchanged), TEST(a_syntax_error_has_its_line),
          TEST(a_duplicate_key_is_refused), TEST(an_unknown_key_names_the_nearest),
          TEST(an_unknown_type_and_connection_are_told), TEST(a_module_must_suit_its_connection),
          TEST(a_table_must_be_an_identifier), TEST(paths_are_checked),
          TEST(server_keys_are_bounded), TEST(outbound_becomes_settings),
          TEST(a_wrong_outbound_is_told), TEST(connections_cannot_say_what_they_may_reach),
          TEST(a_driver_that_cannot_be_held_to_outbound_is_refused),
          TEST(every_problem_is_told_at_once), TEST(the_environment_is_expanded_once),
          TEST(a_change_is_noticed_once_it_has_settled))
