using Insa.Iiot.Peers;

[assembly: AssemblyFixture(typeof(Insa.Iiot.Protocols.Amqp.Tests.BrokerFixture))]

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>One broker for all tests that do not harm it: it takes some ten seconds to start.</summary>
public sealed class BrokerFixture : IAsyncLifetime
{
    private RabbitMqBroker? _broker;

    public RabbitMqBroker Broker
    {
        get
        {
            Require();
            return _broker!;
        }
    }

    /// <summary>Skips the test where the broker is missing; under CI that is a failure.</summary>
    public static void Require()
    {
        if (RabbitMqBroker.IsInstalled)
            return;
        const string Hint = "RabbitMQ is missing: run eng/install-peers.sh.";
        Assert.False(Environment.GetEnvironmentVariable("IIOT_REQUIRE_PEERS") == "1", Hint);
        Assert.Skip(Hint);
    }

    public async ValueTask InitializeAsync()
    {
        if (RabbitMqBroker.IsInstalled)
        {
            _broker = await RabbitMqBroker.StartAsync();
            AmqpWorld.Current[_broker.Port] = _broker;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null)
            await _broker.DisposeAsync();
    }
}
