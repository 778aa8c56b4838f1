using System.Collections.Concurrent;

namespace Insa.Iiot.Protocols.Amqp.Connections;

/// <summary>What is wrong with the host's ties to the broker, by their names. Thread-safe.</summary>
internal sealed class BrokerHealth
{
    private readonly ConcurrentDictionary<string, string?> _ties = new(StringComparer.Ordinal);

    /// <summary>What is wrong; empty if all is well.</summary>
    public IReadOnlyDictionary<string, string> Troubles =>
        _ties.Where(tie => tie.Value is not null).ToDictionary(tie => tie.Key, tie => tie.Value!, StringComparer.Ordinal);

    public void Up(string tie) => _ties[tie] = null;

    public void Down(string tie, string reason) => _ties[tie] = reason;

    /// <summary>It is not wanted any more.</summary>
    public void Forget(string tie) => _ties.TryRemove(tie, out _);
}
