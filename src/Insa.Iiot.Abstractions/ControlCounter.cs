namespace Insa.Iiot;

/// <summary>A tenant's counter.</summary>
/// <param name="Name">Its name, such as <c>devices</c>.</param>
/// <param name="Used">Where it stands.</param>
/// <param name="Most">What it may not be taken above; <see langword="null"/> for no bound.</param>
public sealed record ControlCounter(string Name, long Used, long? Most);
