namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>What a writer says of a message whose sender waits for the store: <c>stored</c>, or the name of a reason, in UTF-8.</summary>
internal static class EndToEndAnswer
{
    private const int MaxLength = 64;
    private static readonly byte[] Stored = "stored"u8.ToArray();

    public static ReadOnlyMemory<byte> Of(IngestReason reason) =>
        reason == IngestReason.None ? Stored : System.Text.Encoding.UTF8.GetBytes(reason.ToString());

    /// <returns><see cref="IngestReason.None"/> if it is stored; a reason that is not known here is <see cref="IngestReason.Unstorable"/>.</returns>
    public static IngestReason Read(ReadOnlySpan<byte> answer)
    {
        if (answer.SequenceEqual(Stored))
            return IngestReason.None;
        return
            answer.Length <= MaxLength
            && Enum.TryParse<IngestReason>(System.Text.Encoding.UTF8.GetString(answer), out var reason)
            && Enum.IsDefined(reason)
            && reason != IngestReason.None
            ? reason
            : IngestReason.Unstorable;
    }
}
