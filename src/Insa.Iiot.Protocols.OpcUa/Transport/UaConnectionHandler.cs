using System.Net;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Microsoft.AspNetCore.Connections;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>Takes connections from Kestrel.</summary>
internal sealed class UaConnectionHandler(ServerCore core, ConnectionTable connections, AddressLimits limits) : ConnectionHandler
{
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        if (!limits.TryEnter(address))
        {
            core.Metrics.Refused(OpcUaMetrics.TooManyOfAddress);
            return;
        }

        try
        {
            await RunAsync(connection).ConfigureAwait(false);
        }
        finally
        {
            limits.Leave(address);
        }
    }

    private async Task RunAsync(ConnectionContext connection)
    {
        var client = new UaConnection(connection, core);
        if (!connections.TryAdd(client))
            return;
        try
        {
            await client.RunAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ConnectionAbortedException or ConnectionResetException)
        {
            core.Logger.ConnectionEnded(connection.ConnectionId, "lost");
        }
        catch (Exception e)
        {
            core.Metrics.Refused(OpcUaMetrics.InternalError);
            core.Logger.ConnectionFailed(e, connection.ConnectionId);
        }
        finally
        {
            connections.Remove(client);
        }
    }
}
