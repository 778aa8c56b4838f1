using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class OptionsTests
{
    [Fact]
    public void A_broker_and_a_queue_are_enough() => Assert.Null(Validate("amqp://guest:guest@localhost"));

    [Theory]
    [InlineData("http://localhost", "amqp://user:password@host/vhost")]
    [InlineData("amqp://localhost", "needs a user and password")]
    [InlineData("amqp://plant:hush-hush@broker.example", "in the clear")]
    [InlineData("amqps://guest:hush-hush@broker.example", "user guest is for a broker on this machine alone")]
    public void A_broker_that_is_not_safe_is_refused_without_its_password(string uri, string error)
    {
        var text = Validate(uri);
        Assert.Contains(error, text, StringComparison.Ordinal);
        Assert.DoesNotContain("hush-hush", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Telemetry_without_a_pipeline_does_not_start()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder
            .Services.AddIiot()
            .AddAmqp(amqp =>
            {
                amqp.Uri = new Uri("amqp://guest:guest@localhost");
                amqp.Telemetry.Add(new AmqpTelemetryBinding { Queue = "q", Tenant = TenantId.Parse("plant") });
            });
        using var host = builder.Build();
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync());
        Assert.Contains("AddIngestion()", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Guest_is_refused_when_one_node_is_elsewhere() =>
        Assert.Contains(
            "guest",
            Validate("amqps://guest:guest@localhost", amqp => amqp.Nodes.Add("broker.example:5671")),
            StringComparison.Ordinal
        );

    [Fact]
    public void A_certificate_needs_a_key_and_TLS()
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest(
            "CN=host",
            key,
            HashAlgorithmName.SHA256,
            RSASignaturePadding.Pkcs1
        ).CreateSelfSigned(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var withoutKey = X509CertificateLoader.LoadCertificate(certificate.RawData);
        Assert.Null(Validate("amqps://broker.example", amqp => amqp.ClientCertificate = certificate));
        Assert.Contains(
            "private key",
            Validate("amqps://broker.example", amqp => amqp.ClientCertificate = withoutKey),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "takes amqps",
            Validate("amqp://localhost", amqp => amqp.ClientCertificate = certificate),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Two_tenants_share_no_queue_and_no_exchange()
    {
        Assert.Contains("twice", Validate("amqp://guest:guest@localhost", Add("q", null)), StringComparison.Ordinal);
        Assert.Contains(
            "would get the other's telemetry",
            Validate("amqp://guest:guest@localhost", Add("r", "iiot.telemetry.plant")),
            StringComparison.Ordinal
        );
        Assert.Null(Validate("amqp://guest:guest@localhost", Add("r", null)));
        Assert.Null(Validate("amqp://guest:guest@localhost", Add("q", "iiot.telemetry.plant", "other")));

        static Action<AmqpOptions> Add(string queue, string? exchange, string? virtualHost = null) =>
            amqp =>
                amqp.Telemetry.Add(
                    new AmqpTelemetryBinding
                    {
                        Queue = queue,
                        Exchange = exchange,
                        VirtualHost = virtualHost,
                        Tenant = TenantId.Parse("other"),
                    }
                );
    }

    [Fact]
    public void Every_error_is_told()
    {
        var text = Validate(
            "amqp://guest:guest@localhost",
            amqp =>
            {
                amqp.MaxReconnectDelay = TimeSpan.Zero;
                amqp.BindingsInterval = TimeSpan.Zero;
                amqp.ServerCertificateSha256 = new byte[5];
                amqp.Telemetry[0].Prefetch = 0;
                amqp.Telemetry[0].Channels = 65;
                amqp.Telemetry[0].DeliveryLimit = 0;
                amqp.Telemetry[0].MaxBytes = 0;
                amqp.Telemetry[0].RoutingKey = "";
                amqp.Telemetry[0].Tenant = default;
            }
        );
        Assert.Equal(9, text!.Split("; ").Length);
    }

    private static string? Validate(string uri, Action<AmqpOptions>? configure = null)
    {
        var options = new AmqpOptions { Uri = new Uri(uri) };
        options.Telemetry.Add(new AmqpTelemetryBinding { Queue = "q", Tenant = AmqpWorld.Plant });
        configure?.Invoke(options);
        return new AmqpOptionsValidator().Validate(null, options).FailureMessage;
    }
}
