using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>What the other side has said it is able to, in all its CSMs (RFC 8323 §5.3).</summary>
internal sealed class Capabilities
{
    /// <summary>Less, and not even a refusal with its token has room.</summary>
    public const int LeastMessageBytes = 64;

    private const int MostMessageBytes = 1024 * 1024 * 1024;

    private bool _isBlockwise;

    /// <summary>Whether one has come.</summary>
    public bool IsKnown { get; private set; }

    public int MaxMessageBytes { get; private set; } = Signal.BaseMessageBytes;

    /// <summary>Whether it takes several blocks in one message (RFC 8323 §5.3.2).</summary>
    public bool TakesSeveralBlocks => _isBlockwise && MaxMessageBytes > Signal.BaseMessageBytes;

    /// <summary>Takes a CSM.</summary>
    /// <returns>The option that cannot be understood; 0 if all can.</returns>
    public int Read(in CoapMessage message)
    {
        var reader = new CoapOptionReader(message.Options);
        while (reader.Read())
        {
            switch (reader.Number)
            {
                case Signal.MaxMessageSize when reader.Value.Length <= sizeof(uint) && reader.UInt >= LeastMessageBytes:
                    MaxMessageBytes = (int)Math.Min(reader.UInt, MostMessageBytes);
                    break;
                case Signal.BlockWiseTransfer when reader.Value.IsEmpty:
                    _isBlockwise = true;
                    break;
                case Signal.MaxMessageSize or Signal.BlockWiseTransfer:
                    return reader.Number;
                case var number when IsCritical(number):
                    return number;
            }
        }

        IsKnown = true;
        return 0;
    }

    /// <summary>Whether a signal other than a CSM has an option that must be understood and is not: all that are defined are elective.</summary>
    public static bool HasCriticalOption(in CoapMessage message)
    {
        var reader = new CoapOptionReader(message.Options);
        while (reader.Read())
        {
            if (IsCritical(reader.Number))
                return true;
        }

        return false;
    }

    private static bool IsCritical(int number) => (number & 1) != 0;
}
