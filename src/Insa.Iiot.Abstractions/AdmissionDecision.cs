namespace Insa.Iiot;

/// <summary>What an <see cref="IAdmissionPolicy"/> says.</summary>
/// <param name="Reason"><see cref="IngestReason.None"/> admits; any other refuses.</param>
/// <param name="RetryAfter">When to try again, for a quota or a rate; zero when unknown.</param>
public readonly record struct AdmissionDecision(IngestReason Reason, TimeSpan RetryAfter = default)
{
    /// <summary>The message may come in.</summary>
    public static AdmissionDecision Admitted => default;
}
