namespace Insa.Iiot.Protocols.OpcUa.Encoding;

/// <summary>Takes an encoded message piece by piece.</summary>
internal interface IMessageOutput
{
    /// <summary>Memory for the next bytes: at least <paramref name="minimum"/> (1 to 16) of them, or empty when the message may not grow any more.</summary>
    Span<byte> GetSpan(int minimum);

    /// <summary>Says that the first <paramref name="count"/> bytes of the last span are written.</summary>
    void Advance(int count);
}
