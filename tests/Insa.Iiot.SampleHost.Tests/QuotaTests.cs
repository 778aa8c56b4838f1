using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>Several hosts over one database count as one.</summary>
public sealed class QuotaTests(PostgresCluster cluster) : IDisposable
{
    private const int Hosts = 3;
    private const int Clients = 32;
    private static readonly int Attempts = Environment.GetEnvironmentVariable("IIOT_QUOTA_ATTEMPTS") is { Length: > 0 } text
        ? int.Parse(text, CultureInfo.InvariantCulture)
        : 2000;
    private const int Limit = 50;

    private readonly TestFolder[] _folders = [.. Enumerable.Range(0, Hosts).Select(_ => new TestFolder())];

    public void Dispose()
    {
        foreach (var folder in _folders)
            folder.Dispose();
    }

    [Fact]
    public async Task Many_clients_of_several_hosts_get_exactly_as_many_devices_as_there_may_be()
    {
        string[] arguments =
        [
            .. PostgresCluster.Arguments(cluster.Server, await cluster.MakeDatabaseAsync()),
            "--Iiot:RestApi:CallerRate=100000:1",
            "--Iiot:RestApi:TenantRate=100000:1",
        ];
        await using var first = await HostProcess.StartAsync(_folders[0].Data, arguments);
        await using var second = await StartLikeAsync(1, arguments);
        await using var third = await StartLikeAsync(2, arguments);
        HostProcess[] hosts = [first, second, third];
        await LimitAsync(first, $"\"limits\":{{\"devices\":{Limit}}}");

        var left = Attempts;
        var (added, refused) = (0, 0);
        await Task.WhenAll(
            Enumerable
                .Range(0, Clients)
                .Select(async client =>
                {
                    for (var attempt = Interlocked.Decrement(ref left); attempt >= 0; attempt = Interlocked.Decrement(ref left))
                    {
                        // Some ids are tried by two at once.
                        var body = HostProcess.Json($$"""{"id":"d-{{attempt / 2}}"}""");
                        using var answer = await hosts[client % Hosts].SendAsync(HttpMethod.Post, "/api/v1/devices", first.Admin, body);
                        if (answer.StatusCode == HttpStatusCode.Created)
                            Interlocked.Increment(ref added);
                        else if (answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Conflict)
                            Interlocked.Increment(ref refused);
                        else
                            Assert.Fail($"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()} {hosts[client % Hosts].Log}");
                    }
                })
        );

        // One there was before: the demo device.
        Assert.Equal((Limit - 1, Attempts - Limit + 1), (added, refused));
        Assert.Equal(Limit, (await third.ReadAsync("/api/v1/devices?limit=1000"))["items"]!.AsArray().Count);
        var devices = (await second.ReadAsync("/api/v1/tenant/usage"))["limits"]!
            .AsArray()
            .Single(limit => (string?)limit!["name"] == "devices")!;
        Assert.Equal((Limit, Limit), ((int)devices["used"]!, (int)devices["most"]!));
    }

    [Fact]
    public async Task Several_hosts_admit_a_tenants_messages_as_one_would()
    {
        const int rate = 100;
        var arguments = PostgresCluster.Arguments(cluster.Server, await cluster.MakeDatabaseAsync());
        await using var first = await HostProcess.StartAsync(_folders[0].Data, arguments);
        await using var second = await StartLikeAsync(1, arguments);
        await using var third = await StartLikeAsync(2, arguments);
        await LimitAsync(first, $"\"rates\":{{\"messages\":\"{rate}:1\"}}");
        var began = TimeProvider.System.GetTimestamp();
        using var time = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var admitted = await Task.WhenAll(
            ((HostProcess[])[first, second, third]).SelectMany(host => new[] { host, host }).Select(FloodAsync)
        );
        var elapsed = TimeProvider.System.GetElapsedTime(began).TotalSeconds;

        // Each for itself they would admit three times the rate. What the first rush had too much is not paid back in so short a time.
        Assert.InRange(admitted.Sum(), rate, rate * (elapsed + 1) * 1.5);
        TestContext.Current.TestOutputHelper?.WriteLine($"{admitted.Sum()} messages in {elapsed:F1} s by {string.Join(' ', admitted)}");

        async Task<int> FloodAsync(HostProcess host)
        {
            var count = 0;
            while (!time.IsCancellationRequested)
            {
                var body = HostProcess.Json("""{"data":{"n":1}}""");
                using var answer = await host.SendAsync(HttpMethod.Post, "/api/v1/telemetry", first.Device, body);
                if (answer.StatusCode == HttpStatusCode.NoContent)
                    count++;
                else if (answer.StatusCode != HttpStatusCode.TooManyRequests)
                    Assert.Fail($"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()} {host.Log}");
            }

            return count;
        }
    }

    // They share the first one's secrets, as hosts behind one balancer do.
    private Task<HostProcess> StartLikeAsync(int place, string[] arguments)
    {
        Directory.CreateDirectory(_folders[place].Data);
        File.Copy(Path.Combine(_folders[0].Data, "bootstrap.json"), Path.Combine(_folders[place].Data, "bootstrap.json"));
        return HostProcess.StartAsync(_folders[place].Data, arguments);
    }

    private static async Task LimitAsync(HostProcess host, string limits)
    {
        var signIn = new JsonObject
        {
            ["email"] = (string?)host.Bootstrap["adminEmail"],
            ["password"] = (string?)host.Bootstrap["adminPassword"],
        };
        using var signedIn = await host.SendAsync(HttpMethod.Post, "/api/v1/auth/login", null, HostProcess.Json(signIn.ToJsonString()));
        var tokens = JsonNode.Parse(await signedIn.Content.ReadAsStringAsync())!;
        var content = HostProcess.Json($$"""{"displayName":"Default","plan":"enterprise",{{limits}}}""");
        using var limited = await host.SendAsync(
            HttpMethod.Put,
            "/api/v1/tenants/default",
            new AuthenticationHeaderValue("Bearer", (string)tokens["accessToken"]!),
            content,
            ("If-Match", "*")
        );
        Assert.Equal(HttpStatusCode.OK, limited.StatusCode);
    }
}
