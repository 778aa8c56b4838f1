namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class TlsTests(TlsBroker broker) : IClassFixture<TlsBroker>
{
    private const string Login = $"{TlsBroker.User}:{TlsBroker.Password}@";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pinned_broker_is_reached_by_password_or_by_certificate(bool byCertificate)
    {
        await using var world = await AmqpWorld.StartAsync(
            broker.Plain,
            amqp =>
            {
                amqp.Uri = broker.SecureBy(byCertificate ? "" : Login);
                amqp.ClientCertificate = byCertificate ? broker.Client : null;
                amqp.ServerCertificateSha256 = broker.Pin;
            }
        );
        await world.PublishAsync("""{"data":{"n":1}}""");
        await world.WaitForStoredAsync(1);
        AssertNoSecret(world);
    }

    [Fact]
    public Task A_broker_that_nobody_trusts_is_not_spoken_to() =>
        IsRefusedAsync(amqp => amqp.Uri = broker.SecureBy(Login), "certificate is not trusted");

    [Fact]
    public Task A_broker_with_another_certificate_than_the_pinned_one_is_not_spoken_to() =>
        IsRefusedAsync(
            amqp =>
            {
                amqp.Uri = broker.SecureBy(Login);
                amqp.ServerCertificateSha256 = new byte[32];
            },
            "certificate is not trusted"
        );

    [Fact]
    public Task A_certificate_that_the_broker_does_not_know_is_refused() =>
        IsRefusedAsync(
            amqp =>
            {
                amqp.Uri = broker.SecureBy("");
                amqp.ClientCertificate = broker.Stranger;
                amqp.ServerCertificateSha256 = broker.Pin;
            },
            ""
        );

    [Fact]
    public Task A_wrong_password_is_told_and_not_shown() =>
        IsRefusedAsync(
            amqp =>
            {
                amqp.Uri = broker.SecureBy($"{TlsBroker.User}:{TlsBroker.Password}-not@");
                amqp.ServerCertificateSha256 = broker.Pin;
            },
            "refuses the user or password"
        );

    private static void AssertNoSecret(AmqpWorld world)
    {
        foreach (var record in world.Logs.Collector.GetSnapshot())
        {
            Assert.DoesNotContain(TlsBroker.Password, record.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(TlsBroker.Password, record.Exception?.ToString() ?? "", StringComparison.Ordinal);
        }
    }

    private async Task IsRefusedAsync(Action<AmqpOptions> configure, string reason)
    {
        await using var world = await AmqpWorld.StartAsync(broker.Plain, configure, isReachable: false);
        await world.WaitForLogAsync(4001);
        var told = Assert.Single(world.Logs.Collector.GetSnapshot(), record => record.Id.Id == 4001);
        Assert.Contains(reason, told.GetStructuredStateValue("Reason")!, StringComparison.Ordinal);
        Assert.Equal(0, world.CountLogs(4000));
        AssertNoSecret(world);
    }
}
