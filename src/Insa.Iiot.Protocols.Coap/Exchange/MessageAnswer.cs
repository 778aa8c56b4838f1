namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>What a message was answered: a response's code, or one of the states before it. One byte, as it is kept for every recent message.</summary>
internal readonly record struct MessageAnswer(byte Value)
{
    /// <summary>It is being worked on, and nothing was sent.</summary>
    public static readonly MessageAnswer Pending = new(1);

    /// <summary>It is being worked on, and was acknowledged: its response comes apart from that.</summary>
    public static readonly MessageAnswer PendingAcknowledged = new(2);

    /// <summary>It was acknowledged, and its response sent apart from that.</summary>
    public static readonly MessageAnswer Separate = new(3);

    /// <summary>It had no effect and may be tried again.</summary>
    public static readonly MessageAnswer Forgotten = new(4);

    /// <summary>It is done, and was answered with more than a code: see <see cref="AnswerCache"/>.</summary>
    public static readonly MessageAnswer Whole = new(5);

    /// <summary>It was answered with nothing but a code.</summary>
    public static MessageAnswer Of(CoapCode code) => new(code.Value);

    public bool IsPending => this == Pending || this == PendingAcknowledged;

    /// <summary>The code, if it was answered with nothing but that.</summary>
    public CoapCode? Code => Value > Whole.Value ? new CoapCode(Value) : null;
}
