namespace Insa.Iiot.Protocols.Mqtt.Messaging;

/// <summary>What the broker keeps per device: its sessions and the topics it retains, both bounded, who listens for its commands, and an order between its subscriptions and its retained messages.</summary>
internal sealed class DeviceTopics
{
    private readonly HashSet<string> _retained = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _sessions = new(StringComparer.Ordinal);
    private readonly HashSet<BrokerChannel> _listeners = [];

    /// <summary>
    /// Held while MQTTnet handles a SUBSCRIBE or a retained message of the device. It looks for retained messages before it notes the
    /// subscription: what is retained in between would be missed by both (MQTT 5 §3.8.4).
    /// </summary>
    public SemaphoreSlim Gate { get; } = new(1);

    /// <summary>Whether a client's session may outlive its connection: a bounded number of them.</summary>
    public bool MayKeepSession(string clientId, int most)
    {
        lock (_sessions)
            return _sessions.ContainsKey(clientId) || (_sessions.Count < most && _sessions.TryAdd(clientId, new(StringComparer.Ordinal)));
    }

    /// <summary>Those filters of a kept session that take commands.</summary>
    public HashSet<string> CommandFiltersOf(string clientId)
    {
        lock (_sessions)
            return _sessions.GetValueOrDefault(clientId) ?? new(StringComparer.Ordinal);
    }

    /// <summary>From now on a connection is told of commands.</summary>
    public void Add(BrokerChannel listener)
    {
        lock (_listeners)
            _listeners.Add(listener);
    }

    public void Remove(BrokerChannel listener)
    {
        lock (_listeners)
            _listeners.Remove(listener);
    }

    /// <summary>Tells the device's connections that it may have commands.</summary>
    public void WakeListeners()
    {
        lock (_listeners)
        {
            foreach (var listener in _listeners)
                listener.WakeCommands();
        }
    }

    public void ForgetSession(string clientId)
    {
        lock (_sessions)
            _sessions.Remove(clientId);
    }

    /// <summary>Whether the device may retain a message of a topic: a bounded number of them.</summary>
    public bool MayRetain(string topic, bool isEmpty, int most)
    {
        lock (_retained)
        {
            if (isEmpty)
            {
                _retained.Remove(topic);
                return true;
            }

            return _retained.Contains(topic) || (_retained.Count < most && _retained.Add(topic));
        }
    }
}
