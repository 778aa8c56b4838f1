using System.Collections.Concurrent;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

/// <summary>One connection per client id. Ids are each device's own: nobody can take over another device's connection.</summary>
internal sealed class ClientRegistry
{
    private readonly ConcurrentDictionary<ClientKey, MqttConnection> _clients = new();

    /// <summary>Puts a connection in its client's place. An older one is ended first, and is over when this returns (MQTT 5 §3.1.4).</summary>
    public async Task TakeOverAsync(ClientKey key, MqttConnection connection)
    {
        while (!_clients.TryAdd(key, connection))
        {
            if (!_clients.TryGetValue(key, out var older))
                continue;
            older.TakeOver();
            await older.Ended.ConfigureAwait(false);
            _clients.TryRemove(new KeyValuePair<ClientKey, MqttConnection>(key, older));
        }
    }

    public void Remove(ClientKey key, MqttConnection connection) =>
        _clients.TryRemove(new KeyValuePair<ClientKey, MqttConnection>(key, connection));

    internal readonly record struct ClientKey(TenantId Tenant, DeviceId Device, string ClientId);
}
