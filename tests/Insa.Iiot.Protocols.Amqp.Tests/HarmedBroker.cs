using Insa.Iiot.Peers;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>A broker for the tests of one class, which may do to it what they like.</summary>
public sealed class HarmedBroker : IAsyncLifetime
{
    private RabbitMqBroker? _broker;

    public RabbitMqBroker Broker
    {
        get
        {
            BrokerFixture.Require();
            return _broker!;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (!RabbitMqBroker.IsInstalled)
            return;
        _broker = await RabbitMqBroker.StartAsync();
        AmqpWorld.Current[_broker.Port] = _broker;
    }

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null)
            await _broker.DisposeAsync();
    }
}
