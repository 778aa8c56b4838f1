using System.Buffers;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Oscore;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Protects requests and opens responses (RFC 8613 §8) below the message layer: what that sends again is the same bytes.</summary>
internal sealed class OscoreClientTransport : ICoapClientTransport
{
    private const int NumbersAtOnce = 256;

    // The option without its ids, the tag, a code, a second Observe, and what is encoded anew.
    private const int Overhead = 32;

    private readonly Lock _lock = new();
    private readonly ICoapClientTransport _transport;
    private readonly OscoreContext _context;
    private readonly OscoreNumbers _numbers;
    private readonly int _capacity;
    private readonly Dictionary<CoapToken, OscoreExchange> _exchanges = [];
    private readonly Dictionary<ushort, (CoapToken Token, byte[] Datagram)> _sent = [];
    private readonly Queue<ushort> _order = new();
    private Action<ReadOnlySpan<byte>>? _receive;
    private uint _notifications;
    private bool _isDisposed;

    private OscoreClientTransport(ICoapClientTransport transport, OscoreContext context, OscoreNumbers numbers, CoapClientOptions options)
    {
        (_transport, _context, _numbers) = (transport, context, numbers);
        _capacity = 2 * options.Nstart;
        MaxMessageBytes = UdpSocket.MaxDatagramBytes - Overhead - context.SenderId.Length - context.IdContext.Length;
    }

    public int MaxMessageBytes { get; }

    /// <exception cref="Exception">What the store of sequence numbers throws.</exception>
    public static async Task<OscoreClientTransport> StartAsync(
        ICoapClientTransport transport,
        CoapClientOptions options,
        CancellationToken cancellationToken
    )
    {
        var oscore = options.Oscore!;

        // A store that fails later fails every request then, by its time-out: there is nothing to send them with.
        var numbers = new OscoreNumbers(oscore.Sequence, NumbersAtOnce, options.TimeProvider, static _ => { });
        await numbers.FillAsync(cancellationToken).ConfigureAwait(false);
        var context = new OscoreContext(
            oscore.MasterSecret.Span,
            oscore.MasterSalt.Span,
            oscore.SenderId.Span,
            oscore.RecipientId.Span,
            oscore.IdContext?.ToArray()
        );
        return new OscoreClientTransport(transport, context, numbers, options);
    }

    public void Start(Action<ReadOnlySpan<byte>> receive)
    {
        _receive = receive;
        _transport.Start(Receive);
    }

    public void OnClosed(Action<CoapException> closed) => _transport.OnClosed(closed);

    public void Send(ReadOnlySpan<byte> datagram)
    {
        if (!CoapHeader.TryRead(datagram, out var header) || !CoapMessage.TryRead(datagram, header.Code, out var message))
            return;
        if (header.Code.Value == 0)
        {
            _transport.Send(datagram);
            return;
        }

        lock (_lock)
        {
            if (_isDisposed)
                return;
            var token = new CoapToken(message.Token);
            if (_sent.TryGetValue(header.MessageId, out var sent) && sent.Token.Equals(token))
                _transport.Send(sent.Datagram);
            else
                SendFirst(datagram, header, message, token);
        }
    }

    public void Forget(CoapToken token)
    {
        lock (_lock)
            _exchanges.Remove(token);
    }

    public async ValueTask DisposeAsync()
    {
        await _transport.DisposeAsync().ConfigureAwait(false);
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            _context.Dispose();
        }
    }

    private void SendFirst(ReadOnlySpan<byte> datagram, CoapHeader header, in CoapMessage message, CoapToken token)
    {
        if (!_numbers.TryTake(out var number))
            return;
        Span<byte> iv = stackalloc byte[sizeof(long)];
        iv = iv[..OscoreContext.WritePartialIv(number, iv)];
        var buffer = ArrayPool<byte>.Shared.Rent(UdpSocket.MaxDatagramBytes);
        var room = buffer.AsSpan(0, UdpSocket.MaxDatagramBytes);
        if (OscoreMessages.TryProtect(_context, datagram, _context.SenderId, iv, iv, _context.HasIdContext, room, out var length))
        {
            // Nobody waits for what answers the end of an observation.
            if (ObserveOf(message) != 1)
            {
                if (!_exchanges.TryGetValue(token, out var exchange))
                    _exchanges.Add(token, exchange = new OscoreExchange());
                exchange.Sent(number);
            }

            if (header.Type == CoapType.Confirmable)
                Keep(header.MessageId, token, buffer.AsSpan(0, length).ToArray());
            _transport.Send(buffer.AsSpan(0, length));
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void Keep(ushort messageId, CoapToken token, byte[] datagram)
    {
        if (!_sent.ContainsKey(messageId))
            _order.Enqueue(messageId);
        _sent[messageId] = (token, datagram);
        while (_order.Count > _capacity)
            _sent.Remove(_order.Dequeue());
    }

    private void Receive(ReadOnlySpan<byte> datagram)
    {
        if (
            !CoapHeader.TryRead(datagram, out var header)
            || !CoapMessage.TryRead(datagram, header.Code, out var message)
            || !header.Code.IsResponse
        )
        {
            _receive!(datagram);
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(datagram.Length + CoapHeader.Length);
        var length = Open(datagram, header, message, buffer);
        if (length > 0)
            _receive!(buffer.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
    }

    /// <returns>The length of what the message layer is to take; 0 if nothing.</returns>
    private int Open(ReadOnlySpan<byte> datagram, CoapHeader header, in CoapMessage message, Span<byte> buffer)
    {
        lock (_lock)
        {
            if (_isDisposed)
                return 0;
            if (!_exchanges.TryGetValue(new CoapToken(message.Token), out var exchange))
                return WriteUnopened(datagram, header, buffer);
            if (!OscoreMessages.TryFindOption(message.Options, out var value))
                return WriteRefusal(header, message, buffer);
            if (!OscoreOption.TryRead(value, out var option))
                return 0;
            long? number = option.PartialIv.IsEmpty ? null : OscoreContext.ReadPartialIv(option.PartialIv);
            if (
                !TryOpen(datagram, exchange.PartialIv, option.PartialIv, buffer, out var length)
                && !TryOpen(datagram, exchange.FormerPartialIv, option.PartialIv, buffer, out length)
            )
                return 0;
            CoapHeader.TryRead(buffer, out var inner);
            CoapMessage.TryRead(buffer[..length], inner.Code, out var opened);
            if (!inner.Code.IsSuccess || ObserveOf(opened) < 0 || exchange.IsNewer(number))
                return length;
        }

        // An old notification, or one that is sent again: it is acknowledged, and no news.
        if (header.Type == CoapType.Confirmable)
        {
            Span<byte> acknowledgement = stackalloc byte[CoapHeader.Length];
            new CoapHeader(CoapType.Acknowledgement, default, header.MessageId).Write(acknowledgement, 0);
            _transport.Send(acknowledgement);
        }

        return 0;
    }

    private bool TryOpen(ReadOnlySpan<byte> datagram, long requestNumber, ReadOnlySpan<byte> partialIv, Span<byte> buffer, out int length)
    {
        length = 0;
        if (requestNumber < 0)
            return false;
        Span<byte> iv = stackalloc byte[sizeof(long)];
        iv = iv[..OscoreContext.WritePartialIv(requestNumber, iv)];
        var order = ++_notifications & 0xFF_FFFF;
        return OscoreMessages.TryOpen(_context, datagram, _context.SenderId, iv, partialIv, buffer, out length, order);
    }

    // A response that nobody waits for: the message layer tells the server so, and knows what is sent again.
    private static int WriteUnopened(ReadOnlySpan<byte> datagram, CoapHeader header, Span<byte> buffer)
    {
        if (header.Type == CoapType.Acknowledgement)
        {
            (header with { Code = default }).Write(buffer, 0);
            return CoapHeader.Length;
        }

        datagram.CopyTo(buffer);
        return datagram.Length;
    }

    // RFC 8613 §8.4: what a server without the context says cannot be protected. It may be anybody's word, so nothing but its code is passed on.
    private static int WriteRefusal(CoapHeader header, in CoapMessage message, Span<byte> buffer)
    {
        if (
            header.Code != CoapCode.BadRequest
            && header.Code != CoapCode.Unauthorized
            && header.Code != CoapCode.BadOption
            && header.Code != CoapCode.ServiceUnavailable
        )
            return 0;
        var writer = new CoapMessageWriter(buffer);
        writer.WriteHeader(header, message.Token);
        return writer.IsTruncated ? 0 : writer.Length;
    }

    /// <returns>-1 if there is none.</returns>
    private static long ObserveOf(in CoapMessage message)
    {
        for (var options = new CoapOptionReader(message.Options); options.Read(); )
        {
            if (options.Number == CoapOptionNumber.Observe)
                return options.UInt;
        }

        return -1;
    }
}
