using System.Net;
using Insa.Iiot.Peers;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>A RabbitMQ broker for the tests of a class, with a user of its own.</summary>
public sealed class AmqpBroker : IAsyncLifetime
{
    public const string Password = "only-the-operator-knows";

    private RabbitMqBroker? _broker;

    public Uri Uri
    {
        get
        {
            if (_broker is null)
            {
                const string Hint = "RabbitMQ is missing: run eng/install-peers.sh.";
                Assert.False(Environment.GetEnvironmentVariable("IIOT_REQUIRE_PEERS") == "1", Hint);
                Assert.Skip(Hint);
            }

            return new Uri($"amqp://plant:{Password}@127.0.0.1:{_broker.Port}");
        }
    }

    public IPEndPoint Endpoint => new(IPAddress.Loopback, Uri.Port);

    /// <summary>What the host is started with.</summary>
    public string[] Arguments => ["--Iiot:Amqp:Uri", Uri.OriginalString];

    public async ValueTask InitializeAsync()
    {
        if (RabbitMqBroker.IsInstalled)
            _broker = await RabbitMqBroker.StartAsync("default_user = plant", $"default_pass = {Password}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null)
            await _broker.DisposeAsync();
    }
}
