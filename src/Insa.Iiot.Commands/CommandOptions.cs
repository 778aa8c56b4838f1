namespace Insa.Iiot.Commands;

/// <summary>How commands travel between hosts. Checked when the host starts.</summary>
public sealed class CommandOptions
{
    /// <summary>How often a host asks for commands that other hosts have sent, 100 ms to 1 min. Default 1 s.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);
}
