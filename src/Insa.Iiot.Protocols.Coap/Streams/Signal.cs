using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>Signalling messages (RFC 8323 §5): their codes and options, whose numbers are each code's own.</summary>
internal static class Signal
{
    public const int Class = 7;

    /// <summary>Of CSM: the longest message its sender takes.</summary>
    public const int MaxMessageSize = 2;

    /// <summary>Of CSM: its sender knows RFC 7959, and blocks of several KiB if it takes messages of more than <see cref="BaseMessageBytes"/>.</summary>
    public const int BlockWiseTransfer = 4;

    /// <summary>Of CSM: the longest token its sender takes (RFC 8974 §2.2.1).</summary>
    public const int ExtendedTokenLength = 6;

    /// <summary>Of Ping and Pong: all that came before is done.</summary>
    public const int Custody = 2;

    /// <summary>Of Abort: the option of the CSM that is to blame.</summary>
    public const int BadCsmOption = 2;

    /// <summary>The longest message until a CSM says otherwise.</summary>
    public const int BaseMessageBytes = 1152;

    private const int MaxSignalBytes = 128;

    /// <summary>7.01: what its sender is able to.</summary>
    public static readonly CoapCode Csm = new(0xE1);

    /// <summary>7.02.</summary>
    public static readonly CoapCode Ping = new(0xE2);

    /// <summary>7.03.</summary>
    public static readonly CoapCode Pong = new(0xE3);

    /// <summary>7.04: its sender wants to end the connection in good order.</summary>
    public static readonly CoapCode Release = new(0xE4);

    /// <summary>7.05: its sender ends the connection at once.</summary>
    public static readonly CoapCode Abort = new(0xE5);

    /// <summary>Says what we are able to.</summary>
    public static void SendCsm(StreamOutput output, int maxMessageBytes)
    {
        Span<byte> buffer = stackalloc byte[MaxSignalBytes];
        var writer = new CoapMessageWriter(buffer);
        writer.WriteHeader(new CoapHeader(CoapType.NonConfirmable, Csm, 0), default);
        writer.WriteOption(MaxMessageSize, (uint)maxMessageBytes);
        writer.WriteOption(BlockWiseTransfer, default(ReadOnlySpan<byte>));
        writer.WriteOption(ExtendedTokenLength, (uint)StreamFrame.MaxTokenLength);
        output.TryWrite(writer.Written);
    }

    /// <summary>Sends a Ping, Pong, Release or Abort.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="code">Which.</param>
    /// <param name="token">Its token.</param>
    /// <param name="option">An option: its number and value.</param>
    /// <param name="diagnostic">Why, for people.</param>
    public static void Send(
        StreamOutput output,
        CoapCode code,
        ReadOnlySpan<byte> token = default,
        (int Number, uint Value)? option = null,
        ReadOnlySpan<byte> diagnostic = default
    )
    {
        Span<byte> buffer = stackalloc byte[MaxSignalBytes];
        if (token.Length > CoapToken.MaxShortLength)
            buffer = new byte[MaxSignalBytes + token.Length];
        var writer = new CoapMessageWriter(buffer);
        writer.WriteHeader(new CoapHeader(CoapType.NonConfirmable, code, 0), token);
        if (option is { } one)
            writer.WriteOption(one.Number, one.Value);
        writer.WritePayload(diagnostic);
        output.TryWrite(writer.Written);
    }
}
