using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>A request that was taken, and what it was answered.</summary>
internal struct OscoreRequest
{
    private const int LeastBytes = 64;
    private const int KeptBytes = 128;

    private byte[]? _answer;

    /// <summary>What it is called inside: 1 or more, 0 of a place that is free.</summary>
    public uint Number { get; private init; }

    public long PartialIv { get; private init; }

    /// <summary>The tag of its encryption: another message has another.</summary>
    public ulong Tag { get; private init; }

    public CoapToken Token { get; private init; }

    /// <summary>Its message id outside.</summary>
    public ushort MessageId { get; private init; }

    public bool IsConfirmable { get; private init; }

    public int TakenAt { get; private init; }

    /// <summary>Whether it had its response, and whether it was acknowledged apart from that.</summary>
    public bool IsAnswered { get; set; }

    public bool IsAcknowledged { get; set; }

    /// <summary>How often its duplicates were answered.</summary>
    public int Repeats { get; set; }

    /// <summary>How many bytes of the acknowledgement are kept; 0 if there is none, or no room for it.</summary>
    public int AnswerLength { get; private set; }

    /// <summary>How much memory they take.</summary>
    public readonly int Capacity => _answer?.Length ?? 0;

    public readonly ReadOnlySpan<byte> Answer => _answer.AsSpan(0, AnswerLength);

    /// <summary>A new request, in the place of this one.</summary>
    public readonly OscoreRequest Next(
        uint number,
        long partialIv,
        ulong tag,
        CoapToken token,
        ushort messageId,
        bool isConfirmable,
        int now
    ) =>
        new()
        {
            Number = number,
            PartialIv = partialIv,
            Tag = tag,
            Token = token,
            MessageId = messageId,
            IsConfirmable = isConfirmable,
            TakenAt = now,
            _answer = Capacity <= KeptBytes ? _answer : null,
        };

    /// <summary>How much memory an answer takes.</summary>
    public static int CapacityFor(int length) => Math.Max(length, LeastBytes);

    public void Keep(ReadOnlySpan<byte> answer)
    {
        if (Capacity < answer.Length)
            _answer = new byte[CapacityFor(answer.Length)];
        answer.CopyTo(_answer);
        AnswerLength = answer.Length;
    }

    public void Release() => (_answer, AnswerLength) = (null, 0);
}
