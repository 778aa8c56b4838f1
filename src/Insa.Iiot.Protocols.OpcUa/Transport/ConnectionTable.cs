using System.Collections.Concurrent;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>All connections. When there are too many, the oldest without a session makes room for a new one (Part 4 §5.6.2). Thread-safe.</summary>
internal sealed class ConnectionTable(IOptions<OpcUaServerOptions> options, OpcUaMetrics metrics)
{
    // Connections that have been told to go and are not gone yet.
    private const int MaxLeaving = 32;

    private readonly ConcurrentDictionary<UaConnection, byte> _connections = new();
    private readonly int _most = options.Value.MaxConnections;
    private readonly Lock _adding = new();

    public int Count => _connections.Count;

    /// <summary>How many have begun something that has not come in whole.</summary>
    public int Waiting => _connections.Keys.Count(connection => connection.IsWaiting);

    /// <returns><see langword="false"/> if there is no room.</returns>
    public bool TryAdd(UaConnection connection)
    {
        lock (_adding)
        {
            if (_connections.Count >= _most && !TryEvict())
            {
                metrics.Refused(OpcUaMetrics.TooManyConnections);
                return false;
            }

            _connections[connection] = 0;
        }

        metrics.Connected(1);
        return true;
    }

    public void Remove(UaConnection connection)
    {
        if (_connections.TryRemove(connection, out _))
            metrics.Connected(-1);
    }

    /// <summary>Ends what takes too long.</summary>
    public void Sweep()
    {
        foreach (var (connection, _) in _connections)
            connection.Sweep();
    }

    /// <summary>Ends all connections.</summary>
    public void CloseAll()
    {
        foreach (var (connection, _) in _connections)
            connection.BeginClose(StatusCodes.BadServerHalted, StatusCodes.NameOf(StatusCodes.BadServerHalted)!);
    }

    private bool TryEvict()
    {
        if (_connections.Count >= _most + MaxLeaving)
            return false;
        UaConnection? oldest = null;
        foreach (var (connection, _) in _connections)
        {
            if (!connection.HasSession && !connection.IsClosing && (oldest is null || connection.ConnectedAt < oldest.ConnectedAt))
                oldest = connection;
        }

        oldest?.BeginClose(StatusCodes.BadTcpServerTooBusy, OpcUaMetrics.Evicted);
        return oldest is not null;
    }
}
