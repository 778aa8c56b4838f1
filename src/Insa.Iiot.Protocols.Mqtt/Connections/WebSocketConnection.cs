using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

/// <summary>A WebSocket's bytes. Frame borders mean nothing (MQTT 5 §6.0).</summary>
internal sealed class WebSocketConnection(WebSocket socket, HttpContext http) : WebSocketStream(socket, http)
{
    private const int ReceiveBytes = 4096;

    protected override async ValueTask<bool> ReceiveAsync(PipeWriter toHandler, CancellationToken cancellationToken)
    {
        var result = await Socket.ReceiveAsync(toHandler.GetMemory(ReceiveBytes), cancellationToken).ConfigureAwait(false);

        // MQTT 5 §6: a frame that is not binary ends the connection.
        if (result.MessageType != WebSocketMessageType.Binary)
            return false;
        toHandler.Advance(result.Count);
        return true;
    }

    protected override async ValueTask<SequencePosition> SendAsync(ReadOnlySequence<byte> written, CancellationToken cancellationToken)
    {
        foreach (var segment in written)
            await Socket.SendAsync(segment, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken).ConfigureAwait(false);
        return written.End;
    }
}
