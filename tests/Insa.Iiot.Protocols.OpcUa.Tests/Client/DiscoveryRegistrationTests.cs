using Insa.Iiot.Peers;
using Insa.Iiot.Protocols.OpcUa.Client;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Client;

/// <summary>With the local discovery server of node-opcua.</summary>
[Trait("Category", "Peer")]
public sealed class DiscoveryRegistrationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("trusts")]
    [InlineData("old")]
    public async Task The_server_registers_when_it_has_started_and_leaves_when_it_stops(string kind)
    {
        await using var lds = await DiscoveryPeer.StartAsync(kind);
        await using var host = await StartAsync(lds.Url, lds);
        var registered = await lds.NextAsync("registered");
        Assert.Equal("urn:test:server", registered.GetProperty("uri").GetString());

        var found = await FindAsync(lds, host);
        Assert.Equal([$"opc.tcp://127.0.0.1:{host.Endpoint.Port}"], found!.DiscoveryUrls!);
        Assert.Equal(("Insa.Iiot", ApplicationType.Server), (found.ApplicationName.Text, found.ApplicationType));
        Assert.Contains(host.Logs.Collector.GetSnapshot(), record => record.Id.Id == 9014);

        await host.StopAsync();
        await lds.NextAsync("left");
        Assert.Null(await FindAsync(lds, host));
        Assert.Contains(host.Logs.Collector.GetSnapshot(), record => record.Id.Id == 9016);
    }

    [Fact]
    public async Task A_discovery_server_that_is_not_trusted_is_told_nothing()
    {
        await using var lds = await DiscoveryPeer.StartAsync();
        await using var host = await StartAsync(lds.Url, trusted: null);
        await UntilLoggedAsync(host, 9015);
        Assert.Null(await FindAsync(lds, host));
        Assert.Single(Directory.GetFiles(host.Folders.Rejected));
    }

    [Fact]
    public async Task A_discovery_server_that_does_not_trust_us_is_asked_again_later()
    {
        await using var lds = await DiscoveryPeer.StartAsync("distrusts");
        await using var host = await StartAsync(lds.Url, lds);
        await UntilLoggedAsync(host, 9015);
        Assert.DoesNotContain(host.Logs.Collector.GetSnapshot(), record => record.Id.Id == 9014);
    }

    [Fact]
    public async Task A_discovery_server_that_is_not_there_yet_is_asked_until_it_is()
    {
        var port = FreePorts.Next();
        var time = new StepTime();
        await using var host = await StartAsync(new Uri($"opc.tcp://localhost:{port}"), trusted: null, time);
        await UntilLoggedAsync(host, 9015);
        using var registrations = new MetricCollector<long>(
            host.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(),
            OpcUaMetrics.MeterName,
            "insa.iiot.opcua.registrations"
        );

        // 5 s after the first, 10 s after the second, and so on.
        foreach (var seconds in (int[])[5, 10, 20])
        {
            await time.AdvanceWhenAskedAsync(TimeSpan.FromSeconds(seconds));
            await registrations.WaitForMeasurementsAsync(1, TimeSpan.FromSeconds(30));
            Assert.Equal("BadConnectionRejected", registrations.GetMeasurementSnapshot(clear: true)[0].Tags["outcome"]);
        }

        Assert.Single(host.Logs.Collector.GetSnapshot(), record => record.Id.Id == 9015);
        await using var lds = await DiscoveryPeer.StartAsync(port: port);
        host.Trust(lds.Certificate);
        await time.AdvanceWhenAskedAsync(TimeSpan.FromSeconds(40));
        await lds.NextAsync("registered");
        await registrations.WaitForMeasurementsAsync(1, TimeSpan.FromSeconds(30));

        // And again after a while, for the discovery server forgets.
        await time.AdvanceWhenAskedAsync(TimeSpan.FromMinutes(4));
        await registrations.WaitForMeasurementsAsync(2, TimeSpan.FromSeconds(30));
        Assert.Equal(["Good", "Good"], registrations.GetMeasurementSnapshot().Select(one => one.Tags["outcome"]));
    }

    private static async Task<OpcUaHost> StartAsync(Uri url, DiscoveryPeer? trusted, TimeProvider? time = null) =>
        await OpcUaHost.StartAsync(
            options => options.DiscoveryServer = url,
            time,
            prepare: host =>
            {
                if (trusted is not null)
                    host.Trust(trusted.Certificate);
            }
        );

    private static async Task<ApplicationDescription?> FindAsync(DiscoveryPeer lds, OpcUaHost host)
    {
        await using var channel = await ClientChannel.OpenAsync(
            ClientEndpoint.Unsecured(lds.Url),
            host.Certificate,
            TimeProvider.System,
            Cancellation
        );
        var response = await channel.CallAsync<FindServersResponse>(
            new FindServersRequest { RequestHeader = channel.MakeHeader(), EndpointUrl = lds.Url.OriginalString },
            Cancellation
        );
        return response.Servers!.SingleOrDefault(server => server.ApplicationUri == "urn:test:server");
    }

    private static async Task UntilLoggedAsync(OpcUaHost host, int id)
    {
        var deadline = System.Diagnostics.Stopwatch.StartNew();
        while (host.Logs.Collector.GetSnapshot().All(record => record.Id.Id != id))
        {
            Assert.True(deadline.Elapsed < TimeSpan.FromSeconds(60), $"{id} is not logged.");
            await Task.Yield();
        }
    }
}
