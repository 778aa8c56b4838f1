using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Mime;
using System.Text;
using System.Text.Json.Nodes;

namespace Insa.Iiot.SampleHost.Tests;

public sealed class ApiTests(RunningHost running) : IClassFixture<RunningHost>
{
    private const string Noon = "2026-05-01T12:00:00Z";

    private HostProcess Host => running.Host;

    [Fact]
    public async Task A_posted_reading_is_the_latest_as_soon_as_it_is_answered()
    {
        await Host.PostAsync("oven", """{"data":{"temp":180.5,"state":"baking","door":false}}""");
        var points = (await Host.ReadAsync("/api/v1/devices/oven/telemetry/latest"))["points"]!.AsArray();
        Assert.Equal(3, points.Count);
        var values = points.ToDictionary(point => (string)point!["metric"]!, point => point!["value"]!);
        Assert.Equal(180.5, (double)values["temp"]);
        Assert.Equal("baking", (string?)values["state"]);
        Assert.False((bool)values["door"]);
        Assert.All(points, point => Assert.Equal("good", (string?)point!["quality"]));
    }

    [Fact]
    public async Task A_range_has_its_start_and_not_its_end()
    {
        await Host.PostAsync("range", Series(5));
        var page = await Host.ReadAsync("/api/v1/devices/range/telemetry?metric=n&from=2026-05-01T12:00:01Z&to=2026-05-01T12:00:04Z");
        Assert.Equal([1, 2, 3], Values(page));
        Assert.Null(page["next"]);
    }

    [Fact]
    public async Task Pages_follow_each_other_by_cursor_and_miss_nothing()
    {
        await Host.PostAsync("pages", Series(10));
        var read = new List<double>();
        string? cursor = null;
        var pages = 0;
        do
        {
            var page = await Host.ReadAsync(
                $"/api/v1/devices/pages/telemetry?metric=n&limit=3{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}"
            );
            read.AddRange(Values(page));
            cursor = (string?)page["next"];
            pages++;
        } while (cursor is not null);
        Assert.Equal(Enumerable.Range(0, 10).Select(n => (double)n), read);
        Assert.Equal(4, pages);
    }

    [Fact]
    public async Task Aggregates_are_those_of_the_bucket()
    {
        await Host.PostAsync("buckets", Series(6));
        var answer = await Host.ReadAsync(
            $"/api/v1/devices/buckets/telemetry/aggregate?metric=n&from={Noon}&to=2026-05-01T12:00:06Z&bucket=3s"
        );
        var buckets = answer["buckets"]!.AsArray();
        Assert.Equal(2, buckets.Count);
        var second = buckets[1]!;
        Assert.Equal("2026-05-01T12:00:03Z", (string?)second["start"]);
        Assert.Equal(
            (3, 3.0, 5.0, 4.0, 12.0),
            ((int)second["count"]!, (double)second["min"]!, (double)second["max"]!, (double)second["avg"]!, (double)second["sum"]!)
        );
    }

    [Fact]
    public async Task A_registered_device_is_listed_and_its_secret_works_at_once()
    {
        var (user, password) = await Host.AddDeviceAsync("lathe");
        Assert.Equal("lathe@default", user);
        using var posted = await Host.SendAsync(
            HttpMethod.Post,
            "/api/v1/telemetry",
            HostProcess.Basic(user, password),
            HostProcess.Json("""{"data":{"t":1}}""")
        );
        Assert.Equal(HttpStatusCode.NoContent, posted.StatusCode);
        var listed = (await Host.ReadAsync("/api/v1/devices"))["items"]!.AsArray();
        Assert.Single(listed, device => (string?)device!["id"] == "lathe");
        Assert.DoesNotContain(password, listed.ToJsonString(), StringComparison.Ordinal);
        await ProblemAsync(409, HttpMethod.Post, "/api/v1/devices", Host.Admin, HostProcess.Json("""{"id":"lathe"}"""));
    }

    [Fact]
    public async Task A_bad_post_is_refused_and_kept_as_a_dead_letter()
    {
        var (user, password) = await Host.AddDeviceAsync("bad");
        var problem = await ProblemAsync(
            400,
            HttpMethod.Post,
            "/api/v1/telemetry",
            HostProcess.Basic(user, password),
            HostProcess.Json("""{"data":""")
        );
        Assert.Equal("malformed", (string?)problem["subject"]);
        var letter = (await Host.ReadAsync("/api/v1/dead-letters"))["items"]!
            .AsArray()
            .Single(letter => (string?)letter!["deviceId"] == "bad")!;
        Assert.Equal("malformed", (string?)letter["reason"]);
        Assert.Equal("application/json", (string?)letter["mediaType"]);
        Assert.Equal("""{"data":""", Encoding.UTF8.GetString(Convert.FromBase64String((string)letter["payloadBase64"]!)));
    }

    public static TheoryData<string> BadDeviceCredentials =>
        [
            "",
            "Basic",
            "Basic ???",
            Header("demo-press-01@default", "wrong"),
            Header("demo-press-01@other", "wrong"),
            Header("nobody@default", "wrong"),
            Header("", ""),
            "Bearer x",
        ];

    [Theory]
    [MemberData(nameof(BadDeviceCredentials))]
    public async Task Who_is_no_device_may_not_post(string header)
    {
        using var answer = await Host.SendAsync(
            HttpMethod.Post,
            "/api/v1/telemetry",
            Parse(header),
            HostProcess.Json("""{"data":{"t":1}}""")
        );
        await IsProblemAsync(401, answer);
        Assert.Equal("Basic", answer.Headers.WwwAuthenticate.Single().Scheme);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Bearer wrong")]
    [InlineData("Basic wrong")]
    public async Task Who_is_no_administrator_may_not_read(string header)
    {
        foreach (
            var path in new[]
            {
                "devices",
                "dead-letters",
                "devices/demo-press-01/telemetry",
                "devices/demo-press-01/telemetry/latest",
                "devices/x/telemetry/aggregate",
            }
        )
        {
            using var answer = await Host.SendAsync(HttpMethod.Get, "/api/v1/" + path, Parse(header));
            await IsProblemAsync(401, answer);
            Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.Single().Scheme);
        }
    }

    [Fact]
    public async Task A_device_may_not_read()
    {
        using var answer = await Host.SendAsync(HttpMethod.Get, "/api/v1/devices", Host.Device);
        await IsProblemAsync(401, answer);
    }

    [Theory]
    [InlineData("/nothing")]
    [InlineData("/api/v1/devices/nobody/telemetry")]
    [InlineData("/api/v1/devices/nobody/telemetry/latest")]
    [InlineData("/api/v1/devices/no%20body/telemetry/latest")]
    [InlineData("/api/v1/devices/nobody/telemetry/aggregate?metric=n&from=2026-05-01T12:00:00Z&to=2026-05-01T13:00:00Z&bucket=1m")]
    public Task What_is_not_there_is_not_found(string path) => ProblemAsync(404, HttpMethod.Get, path, Host.Admin);

    [Theory]
    [InlineData("GET", "/api/v1/telemetry")]
    [InlineData("DELETE", "/api/v1/devices")]
    [InlineData("PATCH", "/api/v1/devices/demo-press-01/telemetry")]
    public Task Another_method_is_not_allowed(string method, string path) => ProblemAsync(405, new HttpMethod(method), path, Host.Admin);

    [Theory]
    [InlineData("text/html")]
    [InlineData("application/octet-stream")]
    public Task An_unknown_content_type_is_unsupported(string type)
    {
        var content = new StringContent("1");
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        return ProblemAsync(415, HttpMethod.Post, "/api/v1/telemetry", Host.Device, content);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_of_more_than_the_limit_is_too_large(bool saysItsLength)
    {
        var bytes = new byte[2 * 1024 * 1024];
        HttpContent content = saysItsLength
            ? new ByteArrayContent(bytes)
            : new StreamContent(PipeReader.Create(new ReadOnlySequence<byte>(bytes)).AsStream());
        content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypeNames.Application.Json);
        await ProblemAsync(413, HttpMethod.Post, "/api/v1/telemetry", Host.Device, content);
    }

    [Theory]
    [InlineData("devices?limit=0")]
    [InlineData("devices?limit=10001")]
    [InlineData("devices?limit=many")]
    [InlineData("devices?cursor=no%20id")]
    [InlineData("dead-letters?limit=0")]
    [InlineData("dead-letters?cursor=x")]
    [InlineData("devices/demo-press-01/telemetry?limit=0")]
    [InlineData("devices/demo-press-01/telemetry?cursor=x")]
    [InlineData("devices/demo-press-01/telemetry?from=yesterday")]
    [InlineData("devices/demo-press-01/telemetry/aggregate?from=2026-05-01&to=2026-05-02&bucket=1h")]
    [InlineData("devices/demo-press-01/telemetry/aggregate?metric=n&from=2026-05-01&bucket=1h")]
    [InlineData("devices/demo-press-01/telemetry/aggregate?metric=n&from=2026-05-02&to=2026-05-01&bucket=1h")]
    [InlineData("devices/demo-press-01/telemetry/aggregate?metric=n&from=2026-05-01&to=2026-05-02&bucket=1y")]
    [InlineData("devices/demo-press-01/telemetry/aggregate?metric=n&from=2026-05-01&to=2026-05-02&bucket=0s")]
    [InlineData("devices/demo-press-01/telemetry/aggregate?metric=n&from=2026-05-01&to=2026-05-02&bucket=1ms")]
    public Task A_query_that_cannot_be_read_is_a_bad_request(string query) =>
        ProblemAsync(400, HttpMethod.Get, "/api/v1/" + query, Host.Admin);

    [Theory]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"id":"no id"}""")]
    [InlineData("""{"id":"x","gateway":"no id"}""")]
    public Task A_device_that_cannot_be_read_is_a_bad_request(string json) =>
        ProblemAsync(400, HttpMethod.Post, "/api/v1/devices", Host.Admin, HostProcess.Json(json));

    [Fact]
    public async Task Health_and_metrics_are_for_anyone()
    {
        Assert.Equal("alive", await Host.ReadTextAsync("/health/live"));
        Assert.Equal("ready", await Host.ReadTextAsync("/health/ready"));
        await Host.PostAsync("counted", """{"data":{"t":1}}""");
        Assert.Matches("(?m)^insa_iiot_ingestion_messages_committed_total{[^}]*} [1-9]", await Host.ReadTextAsync("/metrics"));
    }

    /// <summary>One point a second from noon, numbered.</summary>
    private static string Series(int count)
    {
        var noon = DateTimeOffset.Parse(Noon, CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
        return $"[{string.Join(',', Enumerable.Range(0, count).Select(n => $$$"""{"data":{"n":{{{n}}}},"timestamp":{{{noon + (n * 1000)}}}}"""))}]";
    }

    private static double[] Values(JsonNode page) => [.. page["points"]!.AsArray().Select(point => (double)point!["value"]!)];

    private static string Header(string user, string password) => HostProcess.Basic(user, password).ToString();

    private static AuthenticationHeaderValue? Parse(string header) => header.Length == 0 ? null : AuthenticationHeaderValue.Parse(header);

    private async Task<JsonNode> ProblemAsync(
        int status,
        HttpMethod method,
        string path,
        AuthenticationHeaderValue authorization,
        HttpContent? content = null
    )
    {
        using var answer = await Host.SendAsync(method, path, authorization, content);
        return await IsProblemAsync(status, answer);
    }

    private static async Task<JsonNode> IsProblemAsync(int status, HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(status == (int)answer.StatusCode, $"{(int)answer.StatusCode}: {text}");
        Assert.Equal(MediaTypeNames.Application.ProblemJson, answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonNode.Parse(text)!;
        Assert.Equal(status, (int)problem["status"]!);
        Assert.NotEmpty((string)problem["title"]!);
        return problem;
    }
}
