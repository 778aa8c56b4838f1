using System.Security.Cryptography;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Sends a message and waits for its reply.</summary>
internal sealed class Requester(MessageLayer layer, CoapClientOptions options)
{
    // Longest where nobody can guess it: a response from a forged address needs the token (RFC 7252 §5.3.1).
    public static CoapToken NewToken()
    {
        Span<byte> bytes = stackalloc byte[CoapToken.MaxShortLength];
        RandomNumberGenerator.Fill(bytes);
        return new CoapToken(bytes);
    }

    /// <summary>Sends a request message, and once again if the server asks for an Echo (RFC 9175 §2.3).</summary>
    /// <exception cref="CoapException">No response came, or none that can be made sense of.</exception>
    public async Task<ReceivedResponse> AskAsync(RequestMessage message, CancellationToken cancellationToken)
    {
        var response = await AskOnceAsync(message, cancellationToken).ConfigureAwait(false);
        return response.AsksForEcho
            ? await AskOnceAsync(message with { Echo = response.Echo }, cancellationToken).ConfigureAwait(false)
            : response;
    }

    /// <summary>Sends an empty confirmable message, which a server rejects (RFC 7252 §4.3).</summary>
    /// <exception cref="CoapException">Nothing came.</exception>
    public async Task PingAsync(CancellationToken cancellationToken)
    {
        var datagram = new byte[CoapHeader.Length];
        new CoapHeader(CoapType.Confirmable, default, 0).Write(datagram, 0);
        var pong = new PendingReply(ReplyKind.Pong);
        await SendAsync(new Transmission(datagram, pong), pong, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ReceivedResponse> AskOnceAsync(RequestMessage message, CancellationToken cancellationToken)
    {
        var kind = message.NoResponse == CoapNoResponse.None ? ReplyKind.Response : ReplyKind.Acknowledgement;
        var reply = new PendingReply(kind);
        var token = NewToken();
        var transmission = new Transmission(message.Encode(token, layer.MaxMessageBytes), reply)
        {
            Token = token,
            IsOneWay = kind == ReplyKind.Acknowledgement && !message.Head.IsConfirmable,
        };
        layer.Open(token, reply);
        try
        {
            return await SendAsync(transmission, reply, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            layer.Close(token);
        }
    }

    private async Task<ReceivedResponse> SendAsync(Transmission transmission, PendingReply reply, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        layer.Submit(transmission);
        try
        {
            return await reply.Task.WaitAsync(options.RequestTimeout, options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw new CoapException(CoapError.Timeout, $"No response came within {options.RequestTimeout}.", e);
        }
        finally
        {
            layer.Abandon(transmission);
        }
    }
}
