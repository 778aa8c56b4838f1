using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.Tests;

public sealed class OptionsTests
{
    [Fact]
    public void The_defaults_with_a_listener_hold() => Assert.True(Validate(_ => { }).Succeeded);

    [Fact]
    public void Every_option_that_is_out_of_range_is_reported()
    {
        var result = Validate(options =>
        {
            options.Listeners[0].Port = 70_000;
            options.ApplicationName = "";
            options.ApplicationUri = "no uri";
            options.HostNames.Add("no host");
            options.CertificateFolder = " ";
            options.AnonymousTenant = default(TenantId);
            options.SecurityPolicies.Add(OpcUaSecurityPolicy.Basic256Sha256);
            options.SecurityPolicies.Add((OpcUaSecurityPolicy)9);
            options.MaxConnections = 0;
            options.MaxConnectionsPerAddress = 0;
            options.MaxNewConnectionsPerSecond = 0;
            options.DiscoveryServer = new Uri("http://localhost:4840");
            options.MaxSessionTimeout = TimeSpan.Zero;
            options.MaxRequestBytes = 1;
            options.MaxWrongSignIns = 0;
        });
        Assert.True(result.Failed);
        Assert.Equal(15, result.Failures.Count());
    }

    [Fact]
    public void Somebody_has_to_be_able_to_connect()
    {
        Assert.True(Validate(options => options.SecurityPolicies.Clear()).Failed);
        Assert.True(Validate(options => options.Listeners.Clear()).Failed);
        var unsecured = Validate(options =>
        {
            options.SecurityPolicies.Clear();
            options.AllowUnsecured = true;
        });
        Assert.True(unsecured.Succeeded);
    }

    [Fact]
    public async Task The_server_makes_its_certificate_and_is_healthy()
    {
        await using var host = await OpcUaHost.StartAsync(reusesCertificate: false);
        Assert.Single(Directory.GetFiles(host.Folders.OwnCertificates));
        var report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(HealthStatus.Healthy, report.Entries["opcua"].Status);
    }

    [Fact]
    public async Task Refusals_are_counted_with_their_reason()
    {
        await using var host = await OpcUaHost.StartAsync();
        using var refused = new MetricCollector<long>(
            host.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(),
            OpcUaMetrics.MeterName,
            "insa.iiot.opcua.connections.refused"
        );
        await using var channel = new TestChannel();
        await channel.ConnectAsync(host.Endpoint);
        await channel.SendRawAsync("GET / HTTP/1.1"u8.ToArray());
        await channel.ReadErrorAsync();
        Assert.Equal("BadTcpMessageTypeInvalid", Assert.Single(refused.GetMeasurementSnapshot()).Tags["reason"]);
    }

    private static ValidateOptionsResult Validate(Action<OpcUaServerOptions> change)
    {
        var options = new OpcUaServerOptions();
        options.Listeners.Add(new OpcUaListenerOptions());
        change(options);
        return new OpcUaServerOptionsValidator().Validate(null, options);
    }
}
